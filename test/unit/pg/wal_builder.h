// Writes WAL as the server would: records in pages in segments, of any supported version. For tests.
#pragma once
#include <map>

#include "core/base/bytes.h"
#include "core/pg/crc32c.h"
#include "core/pg/wal_page.h"
#include "core/pg/wal_record.h"

namespace pitr {

class WalBuilder {
 public:
  static constexpr uint32_t kSegmentSize = 1u << 20;
  static constexpr SystemId kSystem{7711157543943281008u};

  explicit WalBuilder(int pg_major = 15, Lsn start = {3u << 20}) : pg_major_(pg_major), at_(start.value) {}

  void set_timeline(uint32_t timeline) { timeline_ = timeline; }
  Lsn at() const { return {at_}; }
  Lsn last() const { return {previous_}; }

  // Main data in the long or short form, no blocks.
  static Bytes MainData(ByteView data) {
    Bytes body;
    if (data.size() < 256) {
      body = {255, static_cast<uint8_t>(data.size())};
    } else {
      body = {254};
      AppendLe(body, static_cast<uint32_t>(data.size()));
    }
    body.insert(body.end(), data.begin(), data.end());
    return body;
  }
  // Appends a record with this body (headers, then data); returns where it starts.
  Lsn Add(Rmgr rmgr, uint8_t info, ByteView body, uint32_t xid = 0) {
    Bytes record;
    AppendLe(record, static_cast<uint32_t>(kWalRecordHeaderSize + body.size()));
    AppendLe(record, xid);
    AppendLe(record, previous_);
    record.insert(record.end(), {info, static_cast<uint8_t>(rmgr), 0, 0});
    const uint32_t crc = Crc32c().Update(body).Update(record).value();
    AppendLe(record, crc);
    record.insert(record.end(), body.begin(), body.end());
    return Write(record);
  }
  Lsn AddData(Rmgr rmgr, uint8_t info, ByteView data, uint32_t xid = 0) { return Add(rmgr, info, MainData(data), xid); }
  Lsn AddFiller(size_t size) { return AddData(Rmgr::kXlog, 0x20, Bytes(size, 0x5A)); }  // XLOG_NOOP

  // The next record starts with the next segment.
  void Switch() {
    Add(Rmgr::kXlog, 0x40, {});
    at_ = (at_ + kSegmentSize - 1) / kSegmentSize * kSegmentSize;
  }
  // Loses what was written from the page at `page` on, as in a crash; what is added next replaces it.
  void CrashAt(Lsn page, Lsn previous) {
    for (auto& [no, bytes] : segments_)
      for (uint64_t at = 0; at < bytes.size(); ++at)
        if (no * kSegmentSize + at >= page.value) bytes[at] = 0;
    at_ = page.value;
    previous_ = previous.value;
    overwrites_ = true;
  }

  // The segment that holds `lsn`, whole, padded with zeroes; an empty one if nothing was written there.
  Bytes& Segment(SegmentNo no) {
    Bytes& bytes = segments_[no.value];
    bytes.resize(kSegmentSize);
    return bytes;
  }
  Bytes& SegmentAt(Lsn lsn) { return Segment(SegmentOf(lsn, kSegmentSize)); }
  uint8_t* Byte(Lsn lsn) { return &SegmentAt(lsn)[lsn.value % kSegmentSize]; }
  bool Has(SegmentNo no) const { return segments_.contains(no.value); }

  // A page header at `page`, a multiple of the page size; returns its size.
  uint32_t WritePageHeader(uint64_t page, uint32_t remaining, bool overwrites = false, uint64_t claimed_address = 0) {
    constexpr std::pair<int, uint16_t> kMagic[] = {
        {15, 0xD110}, {16, 0xD113}, {17, 0xD116}, {18, 0xD118}, {19, 0xD122}};
    uint16_t magic = 0;
    for (auto [major, value] : kMagic)
      if (major == pg_major_) magic = value;
    const bool is_long = page % kSegmentSize == 0;
    uint16_t info = static_cast<uint16_t>((remaining > 0 ? 1 : 0) | (is_long ? 2 : 0));
    if (overwrites) info |= pg_major_ >= 19 ? 4 : 8;
    uint8_t* p = Byte({page});
    StoreLe(p, magic);
    StoreLe(p + 2, info);
    StoreLe(p + 4, timeline_);
    StoreLe(p + 8, claimed_address != 0 ? claimed_address : page);
    StoreLe(p + 16, remaining);
    if (!is_long) return kShortWalPageHeaderSize;
    StoreLe(p + 24, kSystem.value);
    StoreLe(p + 32, kSegmentSize);
    StoreLe(p + 36, kWalPageSize);
    return kLongWalPageHeaderSize;
  }

 private:
  Lsn Write(ByteView record) {
    uint64_t start = 0;
    for (size_t done = 0; done < record.size();) {
      if (at_ % kWalPageSize == 0) {
        at_ += WritePageHeader(at_, static_cast<uint32_t>(done > 0 ? record.size() - done : 0), overwrites_);
        overwrites_ = false;
      }
      if (done == 0) start = at_;
      const size_t part = std::min<size_t>(record.size() - done, kWalPageSize - at_ % kWalPageSize);
      std::memcpy(Byte({at_}), record.data() + done, part);
      done += part;
      at_ += part;
    }
    at_ = (at_ + 7) / 8 * 8;
    previous_ = start;
    return {start};
  }

  int pg_major_;
  uint64_t at_;
  uint64_t previous_ = 0;
  uint32_t timeline_ = 1;
  bool overwrites_ = false;
  std::map<uint64_t, Bytes> segments_;
};

}  // namespace pitr
