// What an annotation is made of, and the reader of its packed form; annotation.h includes it.

#ifndef TFLOPT_ANNOTATION_PARTS_H_
#define TFLOPT_ANNOTATION_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tflopt/flatbuffer_view.h"

namespace tflopt {

// Text inside the model; not terminated by a zero byte as far as this reader checks.
struct StringView {
  const char* data = "";
  size_t size = 0;

  bool Equals(const char* text) const {
    return std::strlen(text) == size && std::memcmp(data, text, size) == 0;
  }
};

// What one operator needs; `scratch_known` is false for kernels that tflopt does not know. The
// packed form leaves out `kernel` and `persistent_bytes`, which follow from the model and the
// version of CMSIS-NN.
struct OperatorMemory {
  uint32_t subgraph = 0;
  uint32_t index = 0;
  StringView kernel;
  bool scratch_known = false;
  uint32_t scratch_bytes = 0;
  uint32_t persistent_bytes = 0;
};

namespace internal {

// CMSIS-NN versions as the packed form numbers them, from 1; 0 says that a text follows.
inline constexpr const char* kCmsisNnNames[] = {"7.0.0", "e096196", "4ab83cc", "99f736a", "none"};
inline constexpr uint64_t kCmsisNnCount = sizeof(kCmsisNnNames) / sizeof(*kCmsisNnNames);

// Takes characters of the packed form from the front. A digit is a character from '0' on that stands
// for six bits; of digits that follow each other the lowest comes first.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Bytes& bytes, size_t at) : bytes_(bytes), at_(at) {}

  // At most ten digits.
  bool Digits(uint32_t count, uint64_t* value) {
    uint64_t sum = 0;
    for (uint32_t place = 0; place < count; ++place) {
      uint64_t digit = 0;
      if (!Digit(&digit)) return false;
      sum |= digit << 6 * place;
    }
    *value = sum;
    return true;
  }

  bool Skip(uint64_t digits) {
    uint64_t ignored = 0;
    for (uint64_t i = 0; i < digits; ++i) {
      if (!Digit(&ignored)) return false;
    }
    return true;
  }

  // Printable ASCII, short enough for the readers' buffers.
  bool Text(StringView* text) {
    uint64_t size = 0;
    if (!Digit(&size) || size > kMostTextBytes ||
        !bytes_.Holds(at_, static_cast<size_t>(size))) return false;
    const uint8_t* const data = bytes_.data() + at_;
    for (uint64_t i = 0; i < size; ++i) {
      if (data[i] < 0x20 || data[i] > 0x7E) return false;
    }
    *text = {reinterpret_cast<const char*>(data), static_cast<size_t>(size)};
    at_ += static_cast<size_t>(size);
    return true;
  }

  bool CmsisNn(StringView* text) {
    uint64_t number = 0;
    if (!Digit(&number) || number > kCmsisNnCount) return false;
    if (number == 0) return Text(text);
    const char* const name = kCmsisNnNames[number - 1];
    *text = {name, std::strlen(name)};
    return true;
  }

  // Five bits in each digit; the sixth is set in all but the last.
  bool Varint(uint64_t* value) {
    uint64_t sum = 0;
    for (uint32_t shift = 0; shift < 35; shift += 5) {
      uint64_t digit = 0;
      if (!Digit(&digit)) return false;
      sum |= (digit & 31) << shift;
      if (digit < 32) {
        *value = sum;
        return sum <= 0xFFFFFFFFu;
      }
    }
    return false;
  }

  bool at_end() const { return at_ >= bytes_.size(); }

  static constexpr uint32_t kMostTextBytes = 23;

 private:
  bool Digit(uint64_t* value) {
    if (!bytes_.Holds(at_, 1)) return false;
    const uint8_t byte = bytes_.data()[at_++];
    *value = static_cast<uint64_t>(byte) - '0';
    return byte >= '0' && byte < '0' + 64;
  }

  Bytes bytes_;
  size_t at_ = 0;
};

// The words of the packed form, one operator after the other; tflopt/target/annotation/encode.py
// describes them.
class PackedWords {
 public:
  explicit PackedWords(const Cursor& cursor) : cursor_(cursor) {}

  // Whether there is another operator. After the last, `broken` says whether a word was.
  bool Next(OperatorMemory* op) {
    uint64_t word = 0;
    while (!broken_ && !cursor_.at_end()) {
      if (!cursor_.Digits(3, &word)) {
        broken_ = true;
        return false;
      }
      const uint64_t number = word >> 5;
      if ((word & 15) != 15) return Operator(word & 15, (word & 16) != 0, number, op);
      Escape((word & 16) != 0, number);
    }
    return false;
  }

  bool broken() const { return broken_; }

 private:
  static constexpr uint64_t kMostOperators = 0xFFFFFF;
  static constexpr uint64_t kMostHigh = 0xFFFFFFFFu >> 13;

  void Escape(bool is_high, uint64_t number) {
    if (is_high) {
      high_ = high_ << 13 | number;
      broken_ = high_ > kMostHigh;
    } else if (number > 0xFFF) {
      subgraph_ += number - 0x1000;
      following_ = 0;
    } else {
      following_ += number;
    }
  }

  bool Operator(uint64_t gap, bool in_units, uint64_t number, OperatorMemory* op) {
    const uint64_t size = (high_ << 13 | number) * (in_units ? 16u : 1u);
    const uint64_t index = following_ + gap;
    if (index > kMostOperators || subgraph_ > kMostOperators || size > 0xFFFFFFFFu) {
      broken_ = true;
      return false;
    }
    *op = OperatorMemory();
    op->subgraph = static_cast<uint32_t>(subgraph_);
    op->index = static_cast<uint32_t>(index);
    op->scratch_known = size != 0 || !in_units;
    op->scratch_bytes = static_cast<uint32_t>(size);
    following_ = index + 1;
    high_ = 0;
    return true;
  }

  Cursor cursor_;
  uint64_t subgraph_ = 0;
  uint64_t following_ = 0;
  uint64_t high_ = 0;
  bool broken_ = false;
};

}  // namespace internal

}  // namespace tflopt

#endif  // TFLOPT_ANNOTATION_PARTS_H_
