#include "core/repo/maps/map_page_sum.h"

#include "core/pg/control.h"
#include "core/pg/relation_file.h"

namespace pitr {
namespace {

constexpr size_t kDigestBytes = 16;  // of SHA-256; the lists of 10,000 pages should stay small

std::string Shortened(Sha256Hasher& hasher) { return ToHex(ByteView(hasher.Finish()).first(kDigestBytes)); }

}  // namespace

bool IsToldByWal(const std::string& path) {
  const auto relation = ParseRelationPath(path);
  return relation && relation->file.fork == Fork::kMain;
}

void MapPageSum::Add(const MappedFile& file) {
  if (file.stamp.inode == 0 || file.stamp.born_nanos == 0 || file.path == kControlFilePath) files_known_ = false;
  const bool told = IsToldByWal(file.path);
  (told ? times_known_ : files_known_) &= file.stamp.changed_nanos != 0;
  Bytes numbers;
  AppendLe(numbers, static_cast<uint64_t>(file.path.size()));
  AppendLe(numbers, file.size_bytes);
  AppendLe(numbers, file.mode);
  AppendLe(numbers, file.stamp.inode);
  AppendLe(numbers, static_cast<uint64_t>(file.stamp.born_nanos));
  Bytes changed;
  AppendLe(changed, static_cast<uint64_t>(file.stamp.changed_nanos));
  files_.Update(numbers);
  files_.Update(AsBytes(file.path));
  (told ? times_ : files_).Update(changed);
}

MapPageState MapPageSum::Finish() {
  MapPageState state{Shortened(files_), Shortened(times_)};
  if (!files_known_) state.files.clear();
  if (!times_known_) state.times.clear();
  return state;
}

}  // namespace pitr
