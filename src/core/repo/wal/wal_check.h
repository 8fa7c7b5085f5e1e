// What a file of a given WAL name must be, for pushing and for fetching alike. Pure functions and values.
#pragma once
#include <algorithm>
#include <array>
#include <string>

#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/repo/repository.h"

namespace pitr {

// History and backup history files are text of a few hundred bytes.
inline constexpr uint64_t kMaxWalTextBytes = uint64_t{4} << 20;

// kInvalidArgument when `name` is no WAL file's name in this repository.
Result<WalFileName> CheckWalName(const Repository& repository, const std::string& name);

inline bool IsSegmentFile(const WalFileName& name) {
  return name.kind == WalFileKind::kSegment || name.kind == WalFileKind::kPartial;
}

// The largest file that may have this name.
uint64_t MaxWalFileBytes(const Repository& repository, const WalFileName& name);

// `first_bytes`: the first kLongWalPageHeaderSize bytes, or all there are. A segment must have exactly the segment size
// and a header that agrees with name and cluster: kConflict, or kCorruption when there is no segment header at all.
// Other files must not be empty. Messages begin with what is wrong; the caller annotates which file it is.
Status CheckWalContent(const Repository& repository, const WalFileName& name, ByteView first_bytes,
                       uint64_t size_bytes);

// Keeps the beginning of a file that comes in pieces.
class FirstBytes {
 public:
  void Take(ByteView piece) {
    const size_t n = std::min(piece.size(), kLongWalPageHeaderSize - size_);
    std::copy_n(piece.begin(), n, bytes_.begin() + size_);
    size_ += n;
  }
  ByteView view() const { return ByteView(bytes_).first(size_); }

 private:
  std::array<uint8_t, kLongWalPageHeaderSize> bytes_{};
  size_t size_ = 0;
};

}  // namespace pitr
