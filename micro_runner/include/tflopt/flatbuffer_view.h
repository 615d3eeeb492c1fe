// Checked access to FlatBuffers whose bytes nobody vouches for; what annotation.h reads with.

#ifndef TFLOPT_FLATBUFFER_VIEW_H_
#define TFLOPT_FLATBUFFER_VIEW_H_

#include <cstddef>
#include <cstdint>

namespace tflopt {
namespace internal {

// Little-endian access to bytes, every one of them checked.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const void* data, size_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool Holds(size_t at, size_t count) const { return at <= size_ && count <= size_ - at; }

  // Reads `bytes` (1, 2 or 4) bytes at `at`.
  bool Number(size_t at, size_t bytes, uint32_t* value) const {
    if (!Holds(at, bytes)) return false;
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; ++i) sum |= static_cast<uint32_t>(data_[at + i]) << (8 * i);
    *value = sum;
    return true;
  }

  // Follows the reference at `at` to what lies behind it.
  bool Follow(size_t at, size_t* target) const {
    uint32_t offset = 0;
    if (!Number(at, 4, &offset) || offset > size_ - at) return false;
    *target = at + offset;
    return true;
  }

  // Follows the reference at `at` to a vector: its first item, and how many there are.
  bool Vector(size_t at, size_t item_bytes, size_t* first, uint32_t* count) const {
    size_t start = 0;
    if (!Follow(at, &start) || !Number(start, 4, count)) return false;
    *first = start + 4;
    return *count <= (size_ - *first) / item_bytes;
  }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

enum class Found : uint8_t { kYes, kAbsent, kBroken };

// A FlatBuffer table.
class Table {
 public:
  // The table behind the reference at `at`.
  bool Open(const Bytes& bytes, size_t at) {
    uint32_t back = 0;
    bytes_ = bytes;
    if (!bytes.Follow(at, &at_) || !bytes.Number(at_, 4, &back)) return false;
    // The vtable lies `back` bytes before the table, or behind it where the sign bit is set.
    const bool behind = (back & 0x80000000u) != 0;
    const uint32_t distance = behind ? ~back + 1u : back;
    if (behind ? distance > bytes.size() - at_ : distance > at_) return false;
    vtable_ = behind ? at_ + distance : at_ - distance;
    return bytes.Number(vtable_, 2, &vtable_bytes_) && bytes.Holds(vtable_, vtable_bytes_);
  }

  // Where field `index` lies.
  Found Field(uint32_t index, size_t* at) const {
    const uint32_t entry = 4 + 2 * index;
    uint32_t offset = 0;
    if (entry + 2 > vtable_bytes_) return Found::kAbsent;
    if (!bytes_.Number(vtable_ + entry, 2, &offset)) return Found::kBroken;
    *at = at_ + offset;
    return offset == 0 ? Found::kAbsent : Found::kYes;
  }

  // A number of 1, 2 or 4 bytes; an absent one is 0.
  bool Number(uint32_t index, size_t bytes, uint32_t* value) const {
    size_t at = 0;
    const Found found = Field(index, &at);
    *value = 0;
    return found == Found::kAbsent || (found == Found::kYes && bytes_.Number(at, bytes, value));
  }

  // A vector; an absent one is empty.
  bool Vector(uint32_t index, size_t item_bytes, size_t* first, uint32_t* count) const {
    size_t at = 0;
    const Found found = Field(index, &at);
    *first = 0;
    *count = 0;
    if (found == Found::kAbsent) return true;
    return found == Found::kYes && bytes_.Vector(at, item_bytes, first, count);
  }

 private:
  Bytes bytes_;
  size_t at_ = 0;
  size_t vtable_ = 0;
  uint32_t vtable_bytes_ = 0;
};

}  // namespace internal

}  // namespace tflopt

#endif  // TFLOPT_FLATBUFFER_VIEW_H_
