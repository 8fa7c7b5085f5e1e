// Decoding of a record that is complete in memory. All reads go through Cursor, which checks bounds.
#include "core/pg/wal_record.h"

#include <algorithm>

#include "core/pg/crc32c.h"

namespace pitr {
namespace {

constexpr size_t kCrcOffset = 20;
constexpr uint8_t kMaxBlockId = 32;
constexpr uint8_t kIdDataShort = 255, kIdDataLong = 254, kIdOrigin = 253, kIdTopLevelXid = 252;
constexpr uint8_t kForkMask = 0x0F, kHasImage = 0x10, kHasData = 0x20, kWillInit = 0x40, kSameRelation = 0x80;
constexpr uint8_t kImageHasHole = 0x01, kImageApply = 0x02, kImageCompressed = 0x04 | 0x08 | 0x10;
constexpr uint16_t kBlockSize = 8192;

constexpr std::string_view kRmgrNames[] = {"XLOG",       "Transaction",    "Storage", "CLOG",     "Database",
                                           "Tablespace", "MultiXact",      "RelMap",  "Standby",  "Heap2",
                                           "Heap",       "Btree",          "Hash",    "Gin",      "Gist",
                                           "Sequence",   "SPGist",         "BRIN",    "CommitTs", "ReplicationOrigin",
                                           "Generic",    "LogicalMessage", "XLOG2"};
constexpr uint8_t kFirstCustomRmgr = 128;
constexpr uint8_t kLastRmgrBefore19 = 21, kLastRmgr19 = 22;

class Cursor {
 public:
  explicit Cursor(ByteView bytes) : rest_(bytes) {}
  size_t remaining() const { return rest_.size(); }
  template <class T>
  bool Read(T* value) {
    if (rest_.size() < sizeof(T)) return false;
    *value = LoadLe<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return true;
  }
  ByteView Take(size_t size) {  // the caller has checked the sum of sizes
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  ByteView rest_;
};

// Lengths of the data that follows all headers.
struct BlockSizes {
  uint16_t image = 0;
  uint16_t data = 0;
};

// False when the image's header contradicts itself.
bool ReadImageHeader(Cursor& in, BlockReference* block, uint16_t* image_size) {
  uint16_t hole_offset = 0;
  uint8_t flags = 0;
  if (!in.Read(image_size) || !in.Read(&hole_offset) || !in.Read(&flags)) return false;
  const bool compressed = (flags & kImageCompressed) != 0, has_hole = (flags & kImageHasHole) != 0;
  block->apply_image = (flags & kImageApply) != 0;
  uint16_t hole_size = static_cast<uint16_t>(kBlockSize - *image_size);
  if (compressed) {
    hole_size = 0;
    if (has_hole && !in.Read(&hole_size)) return false;
    if (*image_size == kBlockSize) return false;
  }
  if (has_hole) return hole_offset != 0 && hole_size != 0 && *image_size != kBlockSize;
  return hole_offset == 0 && hole_size == 0;
}

// False when the header is cut short or contradicts itself. `last` is the relation of the previous block.
bool ReadBlockHeader(Cursor& in, BlockReference* block, BlockSizes* sizes, const RelationLocator** last) {
  uint8_t flags = 0;
  if (!in.Read(&flags) || !in.Read(&sizes->data)) return false;
  block->fork = static_cast<Fork>(flags & kForkMask);
  block->has_image = (flags & kHasImage) != 0;
  block->will_init = (flags & kWillInit) != 0;
  if (((flags & kHasData) != 0) != (sizes->data != 0)) return false;
  if (block->has_image && !ReadImageHeader(in, block, &sizes->image)) return false;
  if ((flags & kSameRelation) != 0) {
    if (*last == nullptr) return false;
    block->relation = **last;
  } else if (!in.Read(&block->relation.tablespace) || !in.Read(&block->relation.database) ||
             !in.Read(&block->relation.number)) {
    return false;
  }
  return in.Read(&block->block);
}

Status Bad(const WalRecord& record, const char* what) {
  return {Code::kCorruption, "WAL record at " + record.start.ToString() + " " + what};
}

// Reads all headers from `bytes`, the whole record or its beginning; leaves `in` at what follows them.
Status DecodeHeaders(ByteView bytes, WalRecord* record, BlockSizes* sizes, uint32_t* main_size, Cursor* in) {
  record->origin = 0;
  record->toplevel_xid = 0;
  record->blocks.clear();
  record->main_data = {};
  if (bytes.size() < kWalRecordHeaderSize) return Bad(*record, "is shorter than its header");
  const uint8_t* p = bytes.data();
  record->size = LoadLe<uint32_t>(p);
  record->xid = LoadLe<uint32_t>(p + 4);
  record->previous = {LoadLe<uint64_t>(p + 8)};
  record->info = p[16];
  record->rmgr = static_cast<Rmgr>(p[17]);
  if (record->size < bytes.size()) return Bad(*record, "has another length than its header says");

  *in = Cursor(bytes.subspan(kWalRecordHeaderSize));
  const size_t not_here = record->size - bytes.size();
  uint64_t data_size = 0;  // of everything after the headers
  const RelationLocator* last = nullptr;
  RelationLocator last_relation;
  while (in->remaining() + not_here > data_size) {
    uint8_t id = 0;
    if (!in->Read(&id)) return Bad(*record, "ends inside its headers");
    if (id == kIdDataShort || id == kIdDataLong) {  // always the last header
      uint8_t short_size = 0;
      if (id == kIdDataShort ? !in->Read(&short_size) : !in->Read(main_size))
        return Bad(*record, "ends inside its headers");
      if (id == kIdDataShort) *main_size = short_size;
      data_size += *main_size;
      break;
    }
    if (id == kIdOrigin || id == kIdTopLevelXid) {
      if (id == kIdOrigin ? !in->Read(&record->origin) : !in->Read(&record->toplevel_xid))
        return Bad(*record, "ends inside its headers");
      continue;
    }
    if (id > kMaxBlockId || (!record->blocks.empty() && id <= record->blocks.back().id))
      return Bad(*record, "has an invalid block number");
    BlockReference block;
    block.id = id;
    if (!ReadBlockHeader(*in, &block, &sizes[id], &last)) return Bad(*record, "has an invalid block header");
    last_relation = block.relation;
    last = &last_relation;
    data_size += sizes[id].image + sizes[id].data;
    record->blocks.push_back(block);
  }
  if (in->remaining() + not_here != data_size) return Bad(*record, "has another length than its parts");
  return Status::Ok();
}

}  // namespace

std::string_view RmgrName(Rmgr rmgr) {
  const auto id = static_cast<uint8_t>(rmgr);
  if (id < std::size(kRmgrNames)) return kRmgrNames[id];
  return id >= kFirstCustomRmgr ? "custom" : "unknown";
}

bool IsValidRmgr(uint8_t rmgr, int pg_major) {
  return rmgr >= kFirstCustomRmgr || rmgr <= (pg_major >= 19 ? kLastRmgr19 : kLastRmgrBefore19);
}

uint32_t WalRecord::ImageSize() const {
  uint32_t size_of_images = 0;
  for (const BlockReference& block : blocks) size_of_images += static_cast<uint32_t>(block.image.size());
  return size_of_images;
}

bool WalRecordCrcIsRight(ByteView bytes) {
  Crc32c crc;
  crc.Update(bytes.subspan(kWalRecordHeaderSize)).Update(bytes.first(kCrcOffset));
  return crc.value() == LoadLe<uint32_t>(bytes.data() + kCrcOffset);
}

Status DecodeWalRecord(ByteView bytes, WalRecord* record) {
  BlockSizes sizes[kMaxBlockId + 1];
  uint32_t main_size = 0;
  Cursor in({});
  PITR_TRY(DecodeHeaders(bytes, record, sizes, &main_size, &in));
  if (record->size != bytes.size()) return Bad(*record, "has another length than its header says");
  for (BlockReference& block : record->blocks) {
    block.image = in.Take(sizes[block.id].image);
    block.data = in.Take(sizes[block.id].data);
  }
  record->main_data = in.Take(main_size);
  return Status::Ok();
}

Status DecodeWalRecordBeginning(ByteView bytes, WalRecord* record) {
  BlockSizes sizes[kMaxBlockId + 1];
  uint32_t main_size = 0;
  Cursor in({});
  PITR_TRY(DecodeHeaders(bytes, record, sizes, &main_size, &in));
  uint64_t before_main = 0;
  for (const BlockReference& block : record->blocks) before_main += sizes[block.id].image + sizes[block.id].data;
  if (before_main < in.remaining()) {
    in.Take(before_main);
    record->main_data = in.Take(std::min<size_t>(main_size, in.remaining()));
  }
  return Status::Ok();
}

}  // namespace pitr
