#include "core/backup/copy/pack_writer.h"

#include <cassert>

#include "core/repo/layout.h"

namespace pitr {

uint32_t PackTable::Add() {
  std::lock_guard lock(mutex_);
  const auto index = static_cast<uint32_t>(entries_.size());
  entries_.push_back({KeyOf(index), 0});
  return index;
}

std::string PackTable::KeyOf(uint32_t index) const { return layout::PackKey(label_, index + 1); }

void PackTable::SetSize(uint32_t index, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  assert(index < entries_.size() && entries_[index].size_bytes == 0 && bytes > 0);
  entries_[index].size_bytes = bytes;
}

PackEntry PackTable::entry(uint32_t index) const {
  std::lock_guard lock(mutex_);
  assert(index < entries_.size());
  return entries_[index];
}

uint32_t PackTable::count() const {
  std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(entries_.size());
}

PackWriter::PackWriter(const Repository& repository, PackTable& table, ThreadPool& pool, Progress& progress,
                       const OpContext& ctx, int64_t max_open_millis)
    : repository_(repository),
      table_(table),
      pool_(pool),
      progress_(progress),
      ctx_(ctx),
      pack_bytes_(static_cast<uint64_t>(repository.config().pack_size_kb) << 10),
      max_open_millis_(max_open_millis),
      encoder_(repository.key(), repository.config().compression_level) {}

PackWriter::~PackWriter() = default;

Status PackWriter::Open() {
  pack_ = table_.Add();
  opened_millis_ = ctx_.clock->SteadyMillis();
  const std::string key = table_.KeyOf(pack_);
  WriterOptions options;
  options.part_bytes = static_cast<size_t>(repository_.config().part_size_kb) << 10;
  options.parts_in_flight = kPartsInFlightPerJob;
  // A pack grows past its size by less than a frame, which compression never enlarges beyond its headers, and the
  // checks, of which two frames may be written then.
  options.expected_bytes = pack_bytes_ + 4 * kDataFramePlainBytes;
  writer_ = std::make_unique<ObjectWriter>(repository_.store(), pool_, key, options, ctx_);
  stored_.clear();
  return encoder_.Begin(ObjectKind::kPack, key, stored_);
}

Status PackWriter::Send() {
  PITR_TRY(writer_->Append(stored_));
  progress_.bytes_stored.fetch_add(stored_.size(), std::memory_order_relaxed);
  stored_.clear();
  return Status::Ok();
}

Status PackWriter::StoreChecks() {
  if (checks_.empty()) return Status::Ok();
  PITR_ASSIGN(last_checks_, encoder_.AppendFrame(checks_.Content(last_checks_), stored_));
  checks_.Clear();
  return Send();
}

Result<uint32_t> PackWriter::Append(ByteView plain) {
  if (writer_ == nullptr) PITR_TRY(Open());
  PITR_ASSIGN(const FrameRef ref, encoder_.AppendFrame(plain, stored_));
  checks_.Add(ref, plain);
  PITR_TRY(Send());
  if (frames_.size() == UINT32_MAX) return Status(Code::kInternal, "too many frames in one backup");
  assert(frames_.empty() || frames_.back().pack != pack_ ||
         frames_.back().ref.offset + frames_.back().ref.stored_bytes <= ref.offset);
  frames_.push_back({pack_, ref});
  if (checks_.full()) PITR_TRY(StoreChecks());
  const bool old = ctx_.clock->SteadyMillis() - opened_millis_ >= max_open_millis_;
  if (old || writer_->size() >= pack_bytes_) PITR_TRY(Close());
  return static_cast<uint32_t>(frames_.size() - 1);
}

Status PackWriter::Close() {
  if (writer_ == nullptr) return Status::Ok();
  PITR_TRY(StoreChecks());
  PITR_TRY(encoder_.Finish(stored_, last_checks_));
  PITR_TRY(Send());
  PITR_ASSIGN(const uint64_t bytes, writer_->Finish());
  table_.SetSize(pack_, bytes);
  writer_.reset();
  last_checks_ = {};
  return Status::Ok();
}

}  // namespace pitr
