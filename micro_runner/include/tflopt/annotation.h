// Reads the annotation that tflopt leaves in a .tflite model (its description or the metadata
// "TFLOPT") and checks it against what the firmware finds: packed, or the table that tflopt 0.1
// wrote. Header-only C++17
// (this file, annotation_parts.h and flatbuffer_view.h): no heap, no exceptions, no RTTI, nothing
// but three headers of the standard library. The model is not trusted: every access is checked
// against its size, and a broken annotation is a verdict, never a crash.
//
//   tflopt::Annotation annotation;
//   tflopt::Verdict verdict = tflopt::ReadFromModel(g_model, g_model_size, &annotation);
//   ... arena of annotation.arena_total_bytes() ...
//   interpreter.AllocateTensors();
//   tflopt::Reality reality;
//   reality.used_bytes = interpreter.arena_used_bytes();
//   reality.cmsis_nn = "4ab83cc";
//   verdict = tflopt::Check(annotation, reality);
//   if (verdict != tflopt::Verdict::kOk) MicroPrintf("%s", tflopt::Text(verdict));

#ifndef TFLOPT_ANNOTATION_H_
#define TFLOPT_ANNOTATION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tflopt/annotation_parts.h"
#include "tflopt/flatbuffer_view.h"

namespace tflopt {

// What CMSIS-NN is compiled for.
enum class Isa : uint8_t { kScalar = 0, kDsp = 1, kMve = 2 };

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
inline constexpr Isa kBuildIsa = Isa::kMve;
#elif defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
inline constexpr Isa kBuildIsa = Isa::kDsp;
#else
inline constexpr Isa kBuildIsa = Isa::kScalar;
#endif

// Whose kernels the firmware links. A memory plan may let an output overlap the input that it
// consumes; how closely depends on the order in which a kernel reads and writes.
enum class Kernels : uint8_t {
  kCmsisNnScalar = 0,
  kCmsisNnDsp = 1,
  kCmsisNnMve = 2,
  kReference = 3,  // TFLM's own
  kOther = 4,      // ESP-NN and those of other vendors: none of tflopt's plans counts on them
};

// By the macros of TFLM's builds; an application that is compiled without those of its library
// sets Reality::kernels. TFLOPT_REFERENCE_KERNELS stands for a build without CMSIS-NN.
#if defined(ESP_NN) || defined(XTENSA) || defined(CEVA_BX1) || defined(CEVA_SP500) || \
    defined(ARC_MLI)
inline constexpr Kernels kBuildKernels = Kernels::kOther;
#elif defined(TFLOPT_REFERENCE_KERNELS)
inline constexpr Kernels kBuildKernels = Kernels::kReference;
#else
inline constexpr Kernels kBuildKernels = static_cast<Kernels>(kBuildIsa);
#endif

enum class Verdict : uint8_t {
  kOk,
  kTooSmall,          // more memory is used than annotated, or the arena is below the annotated
  kLargerThanNeeded,  // less memory is used than annotated
  kOtherCmsisNn,      // annotated for a CMSIS-NN version with other sizes
  kOtherTarget,       // annotated for another core or another ISA
  kNoAnnotation,      // the model has none
  kMalformed,         // the model or the annotation is broken
  kOtherFormat,       // an annotation of a format that this reader does not know
  kOtherKernels,      // the memory plan is not known to be right on the firmware's kernels
  kOtherLibrary,      // annotated for another TFLM, or for another build of it
};

inline const char* Text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kTooSmall:
      return "too small: more memory is needed than annotated";
    case Verdict::kLargerThanNeeded:
      return "larger than needed: less memory is used than annotated";
    case Verdict::kOtherCmsisNn:
      return "annotated for another CMSIS-NN version";
    case Verdict::kOtherTarget:
      return "annotated for another target";
    case Verdict::kNoAnnotation:
      return "no annotation";
    case Verdict::kMalformed:
      return "malformed annotation";
    case Verdict::kOtherFormat:
      return "annotation of an unknown format";
    case Verdict::kOtherKernels:
      return "the memory plan is not known to be right on these kernels";
    case Verdict::kOtherLibrary:
      return "annotated for another TFLM, or another build of it";
  }
  return "unknown verdict";
}

// An annotation that was read; it refers to the model's bytes, which must outlive it.
class Annotation {
 public:
  uint32_t arena_total_bytes() const { return total_; }
  uint32_t arena_head_bytes() const { return head_; }
  uint32_t arena_tail_bytes() const { return tail_; }
  Isa isa() const { return isa_; }
  bool isa_specific_overlap() const { return overlap_; }
  // Whether the memory plan is right where these kernels run. Where the annotation doesn't say it
  // the plan either holds for `isa` alone or keeps outputs apart from the inputs they consume.
  bool trusts(Kernels kernels) const {
    const uint32_t kind = static_cast<uint32_t>(kernels);
    if (names_trusted()) return kernels != Kernels::kOther && (trusted_ >> kind & 1u) != 0;
    return !overlap_ || kind == static_cast<uint32_t>(isa_);
  }
  bool names_trusted() const { return (trusted_ & 16u) != 0; }
  // tflopt's version and the target; of a packed annotation they are a part of this object.
  StringView tool() const { return is_packed_ ? tool_text_.view() : tool_; }
  StringView target() const { return is_packed_ ? target_text_.view() : target_; }
  StringView cmsis_nn() const { return cmsis_nn_; }
  // TFLM's commit and how it was built ("3b20912,size"); empty for the newest that tflopt's
  // version knew, built for speed.
  StringView library() const { return library_; }
  // How the SHA-256 of the original model begins, null before an annotation was read: 6 bytes, which
  // are a part of this object, or 32 in the table.
  const uint8_t* source_sha256() const { return is_packed_ ? digest_ : sha256_; }
  size_t source_sha256_size() const { return is_packed_ ? kDigestBytes : 32; }
  // Packed: of the operators with scratch, or with scratch that tflopt doesn't know.
  uint32_t operator_count() const { return operators_.count; }
  // Rules by name; packed, where they are numbers for tflopt, there is none.
  uint32_t rule_count() const { return rules_.count; }

  // Empty where `i` is not below the count.
  StringView rule(uint32_t i) const { return StringAt(rules_, i); }

  // Packed, it takes a time that grows with `i`.
  OperatorMemory op(uint32_t i) const {
    OperatorMemory result;
    if (i >= operators_.count) return result;
    if (is_packed_) {
      internal::PackedWords words(words_);
      for (uint32_t n = 0; n <= i; ++n) words.Next(&result);
      return result;
    }
    const size_t at = operators_.first + static_cast<size_t>(i) * kOperatorBytes;
    uint32_t kernel = 0;
    bytes_.Number(at, 2, &result.index);
    bytes_.Number(at + 2, 1, &result.subgraph);
    bytes_.Number(at + 3, 1, &kernel);
    bytes_.Number(at + 4, 4, &result.scratch_bytes);
    bytes_.Number(at + 8, 4, &result.persistent_bytes);
    result.kernel = StringAt(kernels_, kernel);
    result.scratch_known = result.scratch_bytes != kUnknownScratch;
    if (!result.scratch_known) result.scratch_bytes = 0;
    return result;
  }

 private:
  friend Verdict Read(const void* data, size_t size, Annotation* annotation);

  static constexpr size_t kOperatorBytes = 12;
  static constexpr uint32_t kUnknownScratch = 0xFFFFFFFFu;
  static constexpr uint32_t kTableFormat = 1;
  static constexpr uint32_t kPackedFormat = 2;
  static constexpr uint32_t kLibraryFormat = 3;
  static constexpr size_t kDigestBytes = 6;
  static constexpr uint64_t kMostRuleDigits = 340;
  // The fields of the table, numbered as in schema/tflopt.fbs.
  enum Slot : uint32_t {
    kFormatSlot, kIsaSlot, kOverlapSlot, kHeadSlot, kTailSlot, kTotalSlot, kSha256Slot,
    kToolSlot, kTargetSlot, kCmsisNnSlot, kKernelsSlot, kOperatorsSlot, kRulesSlot,
  };

  struct Items {
    size_t first = 0;
    uint32_t count = 0;
  };

  // A text that is made, not found.
  struct Composed {
    char text[32] = {};
    size_t size = 0;

    void Add(StringView part) {
      for (size_t i = 0; i < part.size && size < sizeof(text); ++i) text[size++] = part.data[i];
    }
    void AddNumber(uint32_t number) {
      for (uint32_t unit = number > 99 ? 100 : number > 9 ? 10 : 1; unit > 0; unit /= 10) {
        const char digit = static_cast<char>('0' + number / unit % 10);
        Add({&digit, 1});
      }
    }
    StringView view() const { return {text, size}; }
  };

  // What follows the format in the packed form.
  bool LoadPacked(internal::Cursor cursor, bool has_library) {
    uint64_t flags = 0;
    uint64_t digest = 0;
    uint64_t rules = 0;
    StringView target;
    if (!cursor.Digits(2, &flags) || (flags & 3) > static_cast<uint32_t>(Isa::kMve) ||
        flags > 0xFF) {
      return false;
    }
    isa_ = static_cast<Isa>(flags & 3);
    overlap_ = (flags & 4) != 0;
    trusted_ = static_cast<uint32_t>(flags >> 3);
    is_packed_ = true;
    if (!cursor.Text(&target) || !cursor.CmsisNn(&cmsis_nn_) ||
        (has_library && !cursor.Text(&library_)) || !LoadTool(&cursor) ||
        !cursor.Digits(8, &digest) || !LoadArena(&cursor) || !cursor.Varint(&rules) ||
        rules > kMostRuleDigits || !cursor.Skip(rules)) {
      return false;
    }
    target_text_.Add({"cortex-m", 8});
    target_text_.Add(target);
    for (size_t i = 0; i < kDigestBytes; ++i) digest_[i] = static_cast<uint8_t>(digest >> 8 * i);
    return CountWords(cursor);
  }

  bool LoadTool(internal::Cursor* cursor) {
    for (int i = 0; i < 3; ++i) {
      uint64_t number = 0;
      if (!cursor->Varint(&number) || number > 0xFF) return false;
      if (i > 0) tool_text_.Add({".", 1});
      tool_text_.AddNumber(static_cast<uint32_t>(number));
    }
    return true;
  }

  bool LoadArena(internal::Cursor* cursor) {
    uint64_t head = 0;
    uint64_t tail = 0;
    uint64_t above = 0;
    if (!cursor->Varint(&head) || !cursor->Varint(&tail) || !cursor->Varint(&above)) return false;
    head_ = static_cast<uint32_t>(head);
    tail_ = static_cast<uint32_t>(tail);
    total_ = static_cast<uint32_t>(head + tail + above);
    return head + tail + above <= 0xFFFFFFFFu;
  }

  bool CountWords(const internal::Cursor& cursor) {
    OperatorMemory op;
    words_ = cursor;
    internal::PackedWords words(words_);
    while (words.Next(&op)) ++operators_.count;
    return !words.broken();
  }

  bool Load(const internal::Table& table) {
    uint32_t isa = 0;
    uint32_t overlap = 0;
    if (!table.Number(kIsaSlot, 1, &isa) || isa > static_cast<uint32_t>(Isa::kMve)) return false;
    isa_ = static_cast<Isa>(isa);
    if (!table.Number(kOverlapSlot, 1, &overlap)) return false;
    overlap_ = overlap != 0;
    text_left_ = bytes_.size();
    return table.Number(kHeadSlot, 4, &head_) && table.Number(kTailSlot, 4, &tail_) &&
           table.Number(kTotalSlot, 4, &total_) && LoadSha256(table) &&
           LoadString(table, kToolSlot, &tool_) && LoadString(table, kTargetSlot, &target_) &&
           LoadString(table, kCmsisNnSlot, &cmsis_nn_) &&
           LoadStrings(table, kKernelsSlot, &kernels_) && LoadOperators(table) &&
           LoadStrings(table, kRulesSlot, &rules_);
  }

  bool LoadSha256(const internal::Table& table) {
    size_t at = 0;
    if (table.Field(kSha256Slot, &at) != internal::Found::kYes || !bytes_.Holds(at, 32)) {
      return false;
    }
    sha256_ = bytes_.data() + at;
    return true;
  }

  bool LoadString(const internal::Table& table, uint32_t slot, StringView* text) {
    size_t at = 0;
    return table.Field(slot, &at) == internal::Found::kYes && CheckString(at, text);
  }

  // Printable ASCII only, and all text together no longer than the annotation.
  bool CheckString(size_t at, StringView* text) {
    size_t first = 0;
    uint32_t count = 0;
    if (!bytes_.Vector(at, 1, &first, &count) || count > text_left_) return false;
    text_left_ -= count;
    for (uint32_t i = 0; i < count; ++i) {
      const uint8_t byte = bytes_.data()[first + i];
      if (byte < 0x20 || byte > 0x7E) return false;
    }
    *text = {reinterpret_cast<const char*>(bytes_.data()) + first, count};
    return true;
  }

  bool LoadStrings(const internal::Table& table, uint32_t slot, Items* items) {
    StringView text;
    if (!table.Vector(slot, 4, &items->first, &items->count)) return false;
    for (uint32_t i = 0; i < items->count; ++i) {
      if (!CheckString(items->first + 4 * static_cast<size_t>(i), &text)) return false;
    }
    return true;
  }

  bool LoadOperators(const internal::Table& table) {
    Items* const items = &operators_;
    if (!table.Vector(kOperatorsSlot, kOperatorBytes, &items->first, &items->count)) return false;
    for (uint32_t i = 0; i < items->count; ++i) {
      uint32_t kernel = 0;
      const size_t at = items->first + static_cast<size_t>(i) * kOperatorBytes;
      if (!bytes_.Number(at + 3, 1, &kernel) || kernel >= kernels_.count) return false;
    }
    return true;
  }

  StringView StringAt(const Items& items, uint32_t i) const {
    StringView text;
    size_t first = 0;
    uint32_t count = 0;
    if (i < items.count &&
        bytes_.Vector(items.first + 4 * static_cast<size_t>(i), 1, &first, &count)) {
      text = {reinterpret_cast<const char*>(bytes_.data()) + first, count};
    }
    return text;
  }

  internal::Bytes bytes_;
  internal::Cursor words_;
  uint8_t digest_[kDigestBytes] = {};
  Composed target_text_;
  Composed tool_text_;
  bool is_packed_ = false;
  size_t text_left_ = 0;
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
  uint32_t total_ = 0;
  Isa isa_ = Isa::kScalar;
  bool overlap_ = false;
  uint32_t trusted_ = 0;  // a bit for each of Kernels, and one that they are told at all
  const uint8_t* sha256_ = nullptr;
  StringView tool_;
  StringView target_;
  StringView cmsis_nn_;
  StringView library_;
  Items kernels_;
  Items operators_;
  Items rules_;
};

namespace internal {

inline bool IsPacked(const Bytes& bytes) {
  return bytes.Holds(0, 6) && std::memcmp(bytes.data(), "TFLOPT", 6) == 0;
}

}  // namespace internal

// Reads an annotation by itself, such as a side file. Unless the verdict is kOk, `annotation` is
// left empty.
inline Verdict Read(const void* data, size_t size, Annotation* annotation) {
  *annotation = Annotation();
  Annotation result;
  result.bytes_ = internal::Bytes(data, size);
  internal::Table table;
  uint32_t format = 0;
  bool good = false;
  if (internal::IsPacked(result.bytes_)) {
    if (!result.bytes_.Number(6, 1, &format)) return Verdict::kMalformed;
    const bool has_library = format == '0' + Annotation::kLibraryFormat;
    if (format != '0' + Annotation::kPackedFormat && !has_library) return Verdict::kOtherFormat;
    good = result.LoadPacked(internal::Cursor(result.bytes_, 7), has_library);
  } else {
    if (!result.bytes_.Holds(0, 8) || std::memcmp(result.bytes_.data() + 4, "TFLO", 4) != 0 ||
        !table.Open(result.bytes_, 0) || !table.Number(Annotation::kFormatSlot, 2, &format)) {
      return Verdict::kMalformed;
    }
    if (format != Annotation::kTableFormat) return Verdict::kOtherFormat;
    good = result.Load(table);
  }
  if (!good) return Verdict::kMalformed;
  *annotation = result;
  return Verdict::kOk;
}

namespace internal {

// Whether a table of Model.metadata is named "TFLOPT".
inline bool IsNamedTflopt(const Bytes& bytes, const Table& entry, bool* broken) {
  size_t at = 0;
  size_t first = 0;
  uint32_t count = 0;
  const Found found = entry.Field(0, &at);
  if (found == Found::kAbsent) return false;
  if (found == Found::kBroken || !bytes.Vector(at, 1, &first, &count)) {
    *broken = true;
    return false;
  }
  return count == 6 && std::memcmp(bytes.data() + first, "TFLOPT", 6) == 0;
}

// The data of Model.buffers[index].
inline bool BufferData(const Bytes& bytes, const Table& model, uint32_t index, Bytes* data) {
  size_t first = 0;
  uint32_t count = 0;
  Table buffer;
  if (!model.Vector(4, 4, &first, &count) || index >= count) return false;
  if (!buffer.Open(bytes, first + 4 * static_cast<size_t>(index))) return false;
  if (!buffer.Vector(0, 1, &first, &count)) return false;
  *data = Bytes(bytes.data() + first, count);
  return true;
}

}  // namespace internal

// Reads the annotation of a .tflite model of `size` bytes.
inline Verdict ReadFromModel(const void* model_data, size_t size, Annotation* annotation) {
  *annotation = Annotation();
  const internal::Bytes bytes(model_data, size);
  internal::Table model;
  size_t first = 0;
  uint32_t count = 0;
  if (!bytes.Holds(0, 8) || !model.Open(bytes, 0)) return Verdict::kMalformed;
  if (!model.Vector(3, 1, &first, &count)) return Verdict::kMalformed;
  const internal::Bytes description(bytes.data() + first, count);
  if (internal::IsPacked(description)) return Read(description.data(), count, annotation);
  if (!model.Vector(6, 4, &first, &count)) return Verdict::kMalformed;
  for (uint32_t i = 0; i < count; ++i) {
    internal::Table entry;
    internal::Bytes data;
    uint32_t index = 0;
    bool broken = false;
    if (!entry.Open(bytes, first + 4 * static_cast<size_t>(i))) return Verdict::kMalformed;
    const bool named = internal::IsNamedTflopt(bytes, entry, &broken);
    if (broken) return Verdict::kMalformed;
    if (!named) continue;
    if (!entry.Number(1, 4, &index) || !internal::BufferData(bytes, model, index, &data)) {
      return Verdict::kMalformed;
    }
    return Read(data.data(), data.size(), annotation);
  }
  return Verdict::kNoAnnotation;
}

// CMSIS-NN versions whose buffers have the same sizes on every core: they differ in one function
// that asks for none. Sizes annotated for one of them hold for the others.
inline constexpr const char* kVersionsOfEqualSizes[] = {"4ab83cc", "99f736a"};

// Whether sizes annotated for one CMSIS-NN version hold for another.
inline bool HasSizesOf(StringView annotated, const char* linked) {
  if (annotated.Equals(linked)) return true;
  bool first = false;
  bool second = false;
  for (const char* each : kVersionsOfEqualSizes) {
    first |= annotated.Equals(each);
    second |= std::strcmp(each, linked) == 0;
  }
  return first && second;
}

// What the firmware knows; a null pointer or a zero means "not known", and is not compared.
struct Reality {
  size_t used_bytes = 0;   // MicroInterpreter::arena_used_bytes() after AllocateTensors
  size_t arena_bytes = 0;  // the size of the arena that was handed to the interpreter
  Isa isa = kBuildIsa;
  Kernels kernels = kBuildKernels;
  const char* target = nullptr;    // as tflopt --target takes it, lower case
  const char* cmsis_nn = nullptr;  // as tflopt --cmsis-nn takes it
  const char* library = nullptr;   // as tflopt --tflm and --build take them: "3b20912,size"
};

// Compares. What makes outputs wrong comes first, then the cause before its effect: another target
// or CMSIS-NN explains other sizes.
inline Verdict Check(const Annotation& annotation, const Reality& reality) {
  if (annotation.source_sha256() == nullptr) return Verdict::kNoAnnotation;
  if (!annotation.trusts(reality.kernels)) return Verdict::kOtherKernels;
  if (annotation.isa() != reality.isa) return Verdict::kOtherTarget;
  if (reality.target != nullptr && !annotation.target().Equals(reality.target)) {
    return Verdict::kOtherTarget;
  }
  if (reality.cmsis_nn != nullptr && !HasSizesOf(annotation.cmsis_nn(), reality.cmsis_nn)) {
    return Verdict::kOtherCmsisNn;
  }
  if (reality.library != nullptr && annotation.library().size != 0 &&
      !annotation.library().Equals(reality.library)) {
    return Verdict::kOtherLibrary;
  }
  const uint64_t used = static_cast<uint64_t>(annotation.arena_head_bytes()) +
                        static_cast<uint64_t>(annotation.arena_tail_bytes());
  if (reality.arena_bytes != 0 && reality.arena_bytes < annotation.arena_total_bytes()) {
    return Verdict::kTooSmall;
  }
  if (reality.used_bytes == 0 || reality.used_bytes == used) return Verdict::kOk;
  return reality.used_bytes > used ? Verdict::kTooSmall : Verdict::kLargerThanNeeded;
}

}  // namespace tflopt

#endif  // TFLOPT_ANNOTATION_H_
