// Runs the annotation reader over records from standard input and prints what it makes of each.
//
// A record is one byte for its kind ('m' a model, 'a' an annotation), its length as 4 bytes,
// little-endian, and its bytes. Each is copied to memory of exactly its size, so that
// AddressSanitizer sees the first byte read beyond it. The test that feeds it is
// tests/micro_runner/test_annotation_reader.py.

#include "tflopt/annotation.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace {

using tflopt::Kernels;

void PrintText(const char* key, tflopt::StringView text) {
  std::printf(" %s=%.*s", key, static_cast<int>(text.size), text.data);
}

int Trusts(const tflopt::Annotation& annotation, Kernels kernels) {
  return annotation.trusts(kernels) ? 1 : 0;
}

void PrintAnnotation(const tflopt::Annotation& annotation) {
  std::printf(" isa=%d overlap=%d trusted=%d%d%d%d%d%d head=%" PRIu32 " tail=%" PRIu32 " total=%" PRIu32,
              static_cast<int>(annotation.isa()), annotation.isa_specific_overlap() ? 1 : 0,
              annotation.names_trusted() ? 1 : 0, Trusts(annotation, Kernels::kCmsisNnScalar),
              Trusts(annotation, Kernels::kCmsisNnDsp), Trusts(annotation, Kernels::kCmsisNnMve),
              Trusts(annotation, Kernels::kReference), Trusts(annotation, Kernels::kOther),
              annotation.arena_head_bytes(), annotation.arena_tail_bytes(),
              annotation.arena_total_bytes());
  PrintText("tool", annotation.tool());
  PrintText("target", annotation.target());
  PrintText("cmsis_nn", annotation.cmsis_nn());
  PrintText("library", annotation.library());
  std::printf(" sha256=");
  for (size_t i = 0; i < annotation.source_sha256_size(); ++i) {
    std::printf("%02x", annotation.source_sha256()[i]);
  }
  for (uint32_t i = 0; i < annotation.operator_count(); ++i) {
    const tflopt::OperatorMemory op = annotation.op(i);
    PrintText("op", op.kernel);
    std::printf(",%" PRIu32 ",%" PRIu32 ",%d,%" PRIu32 ",%" PRIu32, op.subgraph, op.index,
                op.scratch_known ? 1 : 0, op.scratch_bytes, op.persistent_bytes);
  }
  for (uint32_t i = 0; i < annotation.rule_count(); ++i) PrintText("rule", annotation.rule(i));
}

bool Expect(tflopt::Verdict verdict, tflopt::Verdict expected, const char* what) {
  if (verdict == expected) return true;
  std::fprintf(stderr, "%s: got '%s', expected '%s'\n", what, tflopt::Text(verdict),
               tflopt::Text(expected));
  return false;
}

// The checks of an annotation against reality; the record's own numbers serve as reality.
bool CheckVerdicts(const tflopt::Annotation& annotation) {
  using tflopt::Check;
  using tflopt::Verdict;
  static const char kOther[] = "something else";
  const size_t used = static_cast<size_t>(annotation.arena_head_bytes()) +
                      static_cast<size_t>(annotation.arena_tail_bytes());
  if (used == 0 || annotation.arena_total_bytes() < 2) return true;
  tflopt::Reality same;
  same.isa = annotation.isa();
  same.kernels = static_cast<Kernels>(annotation.isa());
  if (!annotation.trusts(same.kernels)) {  // a mutation may say so
    return Expect(Check(annotation, same), Verdict::kOtherKernels, "not even its own kernels");
  }
  same.used_bytes = used;
  same.arena_bytes = annotation.arena_total_bytes();
  tflopt::Reality more = same, less = same, tight = same, target = same, cmsis = same, isa = same;
  more.used_bytes = used + 16;
  less.used_bytes = used - 1;
  tight.arena_bytes = annotation.arena_total_bytes() - 1;
  target.target = kOther;
  cmsis.cmsis_nn = kOther;
  isa.isa = annotation.isa() == tflopt::Isa::kMve ? tflopt::Isa::kDsp : tflopt::Isa::kMve;
  bool good = Expect(Check(annotation, same), Verdict::kOk, "same");
  for (int kind = 0; kind <= static_cast<int>(Kernels::kOther); ++kind) {
    tflopt::Reality linked = same;
    linked.kernels = static_cast<Kernels>(kind);
    good &= Expect(Check(annotation, linked),
                   annotation.trusts(linked.kernels) ? Verdict::kOk : Verdict::kOtherKernels,
                   "kernels");
  }
  good &= Expect(Check(annotation, more), Verdict::kTooSmall, "more used");
  good &= Expect(Check(annotation, tight), Verdict::kTooSmall, "arena below the annotated");
  good &= Expect(Check(annotation, target), Verdict::kOtherTarget, "target");
  good &= Expect(Check(annotation, isa), Verdict::kOtherTarget, "ISA");
  good &= Expect(Check(annotation, cmsis), Verdict::kOtherCmsisNn, "CMSIS-NN");
  for (const char* version : tflopt::kVersionsOfEqualSizes) {
    if (!annotation.cmsis_nn().Equals("4ab83cc") && !annotation.cmsis_nn().Equals("99f736a")) break;
    cmsis.cmsis_nn = version;
    good &= Expect(Check(annotation, cmsis), Verdict::kOk, "CMSIS-NN with equal sizes");
  }
  cmsis.cmsis_nn = "7.0.0";
  good &= Expect(Check(annotation, cmsis),
                 annotation.cmsis_nn().Equals("7.0.0") ? Verdict::kOk : Verdict::kOtherCmsisNn,
                 "CMSIS-NN with other sizes");
  tflopt::Reality library = same;
  library.library = kOther;
  good &= Expect(Check(annotation, library),
                 annotation.library().size == 0 || annotation.library().Equals(kOther)
                     ? Verdict::kOk
                     : Verdict::kOtherLibrary,
                 "library");
  good &= Expect(Check(annotation, less), used == 1 ? Verdict::kOk : Verdict::kLargerThanNeeded,
                 "less used");
  more.target = kOther;  // the cause is named before the effect
  return good & Expect(Check(annotation, more), Verdict::kOtherTarget, "target and size");
}

bool Handle(int kind, const uint8_t* data, size_t size) {
  tflopt::Annotation annotation;
  const tflopt::Verdict verdict = kind == 'm' ? tflopt::ReadFromModel(data, size, &annotation)
                                              : tflopt::Read(data, size, &annotation);
  std::printf("verdict=%d", static_cast<int>(verdict));
  bool good = true;
  if (verdict == tflopt::Verdict::kOk) {
    PrintAnnotation(annotation);
    good = CheckVerdicts(annotation);
    good &= annotation.rule(annotation.rule_count()).size == 0;
    good &= annotation.op(annotation.operator_count()).kernel.size == 0;
  } else {
    good = Expect(tflopt::Check(annotation, tflopt::Reality()), tflopt::Verdict::kNoAnnotation,
                  "nothing read");
  }
  std::printf("\n");
  return good;
}

}  // namespace

int main() {
  bool good = true;
  int kind = 0;
  while ((kind = std::getchar()) != EOF) {
    uint8_t prefix[4];
    if (std::fread(prefix, 1, 4, stdin) != 4) return 2;
    const size_t size = static_cast<size_t>(prefix[0]) | static_cast<size_t>(prefix[1]) << 8 |
                        static_cast<size_t>(prefix[2]) << 16 | static_cast<size_t>(prefix[3]) << 24;
    uint8_t* const data = static_cast<uint8_t*>(std::malloc(size == 0 ? 1 : size));
    if (data == nullptr || std::fread(data, 1, size, stdin) != size) return 2;
    good &= Handle(kind, data, size);
    std::free(data);
  }
  return good ? 0 : 1;
}
