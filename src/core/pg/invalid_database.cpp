#include "core/pg/invalid_database.h"

namespace pitr {
namespace {

constexpr uint8_t kHeapOperationMask = 0x70, kHeapInPlace = 0x70;
constexpr size_t kPageBytes = 8192;
// Of a row of pg_database, in every version.
constexpr size_t kConnectionLimitAt = 80, kRowBytes = 84;
constexpr int32_t kInvalid = -2;

// The row that the record changed, from an image of its page without the hole. Empty when the image is of another form.
ByteView RowInImage(ByteView image, ByteView main_data) {
  constexpr size_t kLowerAt = 12, kUpperAt = 14, kItemsAt = 24, kItemBytes = 4, kHeaderSizeAt = 22;
  if (main_data.size() < sizeof(uint16_t) || image.size() < kItemsAt) return {};
  const size_t lower = LoadLe<uint16_t>(image.data() + kLowerAt), upper = LoadLe<uint16_t>(image.data() + kUpperAt);
  if (upper > kPageBytes || lower > upper || image.size() != kPageBytes - (upper - lower)) return {};
  const size_t number = LoadLe<uint16_t>(main_data.data());
  const size_t item_at = kItemsAt + (number - 1) * kItemBytes;
  if (number == 0 || item_at + kItemBytes > lower) return {};
  const uint32_t item = LoadLe<uint32_t>(image.data() + item_at);
  const size_t offset = item & 0x7FFF, size = item >> 17;
  if (offset < upper || offset + size > kPageBytes || size <= kHeaderSizeAt) return {};
  const ByteView tuple = image.subspan(offset - (upper - lower), size);
  const size_t header = tuple[kHeaderSizeAt];
  return header < size ? tuple.subspan(header) : ByteView();
}

}  // namespace

std::optional<uint32_t> InvalidatedDatabase(const WalRecord& record) {
  if (record.rmgr != Rmgr::kHeap || (record.info & kHeapOperationMask) != kHeapInPlace || record.blocks.empty())
    return std::nullopt;
  const BlockReference& block = record.blocks.front();
  if (block.relation.tablespace != kGlobalTablespace || block.relation.database != 0) return std::nullopt;
  const ByteView row = block.data.empty() ? RowInImage(block.image, record.main_data) : block.data;
  if (row.size() < kRowBytes || LoadLe<int32_t>(row.data() + kConnectionLimitAt) != kInvalid) return std::nullopt;
  return LoadLe<uint32_t>(row.data());
}

}  // namespace pitr
