# Models in a build with GNU Make 4.3 or newer:
#
#   include $(shell tflopt cmake-dir)/tflopt.mk
#
#   kws_MODEL    := models/kws.tflite
#   kws_TARGET   := cortex-m55                         core, in GCC's spelling
#   kws_OPTIMIZE := --max-arena 64K --max-flash 300K   options of `tflopt optimize`
#   kws_EMIT     := --section .model                   options of `tflopt emit`
#   $(eval $(call tflopt_add_model,kws))
#
# gives kws_SOURCE and kws_HEADERS, which the rules below make, and kws_FOLDER for -I. They are made
# again when the model, the options or tflopt itself changed. Set before the include line:
TFLOPT ?= tflopt
TFLOPT_BUILD ?= build/tflopt

ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error tflopt.mk needs GNU Make 4.3 or newer; this is $(MAKE_VERSION))
endif

tflopt_mk_folder := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
tflopt_mk_tool := $(shell find "$(tflopt_mk_folder)/.." -name '*.py')

# Of the source, as the options of emit have it.
tflopt_mk_suffix = $(strip $(if $(filter --incbin,$(1)),S,$(if $(findstring --language c ,$(1) ),c,cc)))
tflopt_mk_same = $(and $(findstring $(1),$(2)),$(findstring $(2),$(1)))

# Writes a text to a file that has another, so that what depends on the file is made again.
tflopt_mk_write = $(if $(call tflopt_mk_same,$(file <$(1)),$(2)),,$(file >$(1),$(2)))

define tflopt_add_model
$(if $($(1)_MODEL),,$(error tflopt_add_model: $(1)_MODEL is missing))
$(1)_FOLDER := $(TFLOPT_BUILD)/$(1)
$(1)_SOURCE := $(TFLOPT_BUILD)/$(1)/$(1)_data.$(call tflopt_mk_suffix,$($(1)_EMIT))
$(1)_HEADERS := $(foreach kind,data info ops,$(TFLOPT_BUILD)/$(1)/$(1)_$(kind).h)
$(1)_COMMON := -q $(if $($(1)_TARGET),--target $($(1)_TARGET))

$$(shell mkdir -p $$($(1)_FOLDER))
$$(call tflopt_mk_write,$$($(1)_FOLDER)/options.txt,$$(TFLOPT) $$($(1)_MODEL) $$($(1)_COMMON) \
  $$($(1)_OPTIMIZE) $$($(1)_EMIT))

tflopt_mk_goal := $$(.DEFAULT_GOAL)
$$($(1)_SOURCE) $$($(1)_HEADERS) &: $$($(1)_MODEL) $$($(1)_FOLDER)/options.txt $$(tflopt_mk_tool)
	$$(TFLOPT) optimize $$($(1)_MODEL) -o $$($(1)_FOLDER)/$(1).opt.tflite $$($(1)_COMMON) \
	  --report $$($(1)_FOLDER)/$(1).json $$($(1)_OPTIMIZE)
	$$(TFLOPT) emit $$($(1)_FOLDER)/$(1).opt.tflite -d $$($(1)_FOLDER) --name $(1) $$($(1)_COMMON) \
	  $$($(1)_EMIT)
.DEFAULT_GOAL := $$(tflopt_mk_goal)
endef
