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

// Takes bytes of the packed form from the front.
class Cursor {
 public:
  Cursor(const Bytes& bytes, size_t at) : bytes_(bytes), at_(at) {}

  bool Take(size_t size, const uint8_t** data) {
    if (!bytes_.Holds(at_, size)) return false;
    *data = bytes_.data() + at_;
    at_ += size;
    return true;
  }

  bool Byte(uint32_t* value) {
    const uint8_t* data = nullptr;
    if (!Take(1, &data)) return false;
    *value = *data;
    return true;
  }

  // Printable ASCII, short enough for the readers' buffers.
  bool Text(StringView* text) {
    uint32_t size = 0;
    const uint8_t* data = nullptr;
    if (!Byte(&size) || size > kMostTextBytes || !Take(size, &data)) return false;
    for (uint32_t i = 0; i < size; ++i) {
      if (data[i] < 0x20 || data[i] > 0x7E) return false;
    }
    *text = {reinterpret_cast<const char*>(data), size};
    return true;
  }

  // Seven bits in each byte, the lowest first; the top bit is set in all but the last.
  bool Varint(uint64_t* value) {
    uint64_t sum = 0;
    for (uint32_t shift = 0; shift < 35; shift += 7) {
      uint32_t byte = 0;
      if (!Byte(&byte)) return false;
      sum |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        *value = sum;
        return sum <= 0xFFFFFFFFu;
      }
    }
    return false;
  }

  Bytes Rest() const { return Bytes(bytes_.data() + at_, bytes_.size() - at_); }

  static constexpr uint32_t kMostTextBytes = 23;

 private:
  Bytes bytes_;
  size_t at_;
};

// The words of the packed form, one operator after the other; tflopt/target/annotation/encode.py
// describes them.
class PackedWords {
 public:
  explicit PackedWords(const Bytes& bytes) : bytes_(bytes) {}

  // Whether there is another operator. After the last, `broken` says whether a word was.
  bool Next(OperatorMemory* op) {
    uint32_t first = 0;
    uint32_t number = 0;
    while (!broken_ && at_ < bytes_.size()) {
      if (!bytes_.Number(at_, 1, &first) || !bytes_.Number(at_ + 1, 2, &number)) {
        broken_ = true;
        return false;
      }
      at_ += 3;
      if ((first & 0x7F) != 0x7F) return Operator(first, number, op);
      Escape(first > 0x7F, number);
    }
    return false;
  }

  bool broken() const { return broken_; }

 private:
  static constexpr uint64_t kMostOperators = 0xFFFFFF;

  void Escape(bool is_high, uint32_t number) {
    if (is_high) {
      high_ = number;
    } else if (number > 0x7FFF) {
      subgraph_ += number - 0x8000;
      following_ = 0;
    } else {
      following_ += number;
    }
  }

  bool Operator(uint32_t first, uint32_t number, OperatorMemory* op) {
    const bool wide = first > 0x7F;
    const uint64_t size = ((high_ << 16) | number) * (wide ? 16u : 1u);
    const uint64_t index = following_ + (first & 0x7F);
    if (index > kMostOperators || subgraph_ > kMostOperators || size > 0xFFFFFFFFu) {
      broken_ = true;
      return false;
    }
    *op = OperatorMemory();
    op->subgraph = static_cast<uint32_t>(subgraph_);
    op->index = static_cast<uint32_t>(index);
    op->scratch_known = size != 0 || !wide;
    op->scratch_bytes = static_cast<uint32_t>(size);
    following_ = index + 1;
    high_ = 0;
    return true;
  }

  Bytes bytes_;
  size_t at_ = 0;
  uint64_t subgraph_ = 0;
  uint64_t following_ = 0;
  uint64_t high_ = 0;
  bool broken_ = false;
};

}  // namespace internal

}  // namespace tflopt

#endif  // TFLOPT_ANNOTATION_PARTS_H_
