// Reads integers and pieces one after another from bytes, and remembers when they were too short, so that one check at
// the end covers all. Borrows the bytes; one thread.
#pragma once
#include "core/base/bytes.h"

namespace pitr {

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  ByteView rest() const { return rest_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }

  // Little-endian; 0 once the bytes have run out.
  template <class T>
  T Get() {
    if (rest_.size() < sizeof(T)) {
      Fail();
      return T{};
    }
    const T value = LoadLe<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  uint16_t U16() { return Get<uint16_t>(); }
  uint32_t U32() { return Get<uint32_t>(); }
  uint64_t U64() { return Get<uint64_t>(); }
  // The next `size` bytes; an empty view when there are fewer.
  ByteView Take(uint64_t size) {
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  void Skip(uint64_t size) { Take(size); }
  // A count of 32 bits of items of at least `item_size` bytes that are all there; 0 if not.
  size_t Count(size_t item_size) {
    const uint32_t count = U32();
    if (uint64_t{count} * item_size > rest_.size()) Fail();
    return ok_ ? count : 0;
  }
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace pitr
