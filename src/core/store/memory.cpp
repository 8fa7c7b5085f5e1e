#include "core/store/memory.h"

#include <algorithm>

#include "core/store/upload_rules.h"

namespace pitr {
namespace {

Status Missing(const char* doing, const std::string& key) {
  return {Code::kNotFound, std::string(doing) + " \"" + key + "\": no such object"};
}

Status Taken(const char* doing, const std::string& key) {
  return {Code::kAlreadyExists, std::string(doing) + " \"" + key + "\": the object exists"};
}

}  // namespace

MemoryStore::MemoryStore() : MemoryStore(Options()) {}
MemoryStore::MemoryStore(const Options& options) : options_(options) {}

Status MemoryStore::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  auto copy = std::make_shared<const Bytes>(body.begin(), body.end());
  std::lock_guard lock(mutex_);
  auto [at, added] = objects_.try_emplace(key, Object{std::move(copy), ctx.clock->WallMicros(), NewLock(ctx)});
  return added ? Status::Ok() : Taken("creating", key);
}

Status MemoryStore::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  std::shared_ptr<const Bytes> body;
  {
    std::lock_guard lock(mutex_);
    auto at = objects_.find(key);
    if (at == objects_.end()) return Missing("reading", key);
    body = at->second.body;
  }
  PITR_ASSIGN(const uint64_t length, RangeLength(key, range, body->size()));
  for (uint64_t done = 0; done < length;) {
    PITR_TRY(ctx.Check());
    const uint64_t n = std::min<uint64_t>(length - done, options_.piece_bytes);
    PITR_TRY(sink(ByteView(*body).subspan(range.offset + done, n)));
    done += n;
  }
  return Status::Ok();
}

Result<ObjectInfo> MemoryStore::Stat(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  auto at = objects_.find(key);
  if (at == objects_.end()) return Missing("looking up", key);
  return ObjectInfo{key, at->second.body->size(), at->second.modified_micros};
}

Result<ListPage> MemoryStore::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  ListPage page;
  std::lock_guard lock(mutex_);
  auto at = start_after >= prefix ? objects_.upper_bound(start_after) : objects_.lower_bound(prefix);
  for (; at != objects_.end() && at->first.starts_with(prefix); ++at) {
    if (page.objects.size() == options_.list_page) {
      page.more = true;
      break;
    }
    page.objects.push_back({at->first, at->second.body->size(), at->second.modified_micros});
  }
  return page;
}

Status MemoryStore::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_TRY(CheckDeleteBatch(keys));
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  for (const std::string& key : keys) objects_.erase(key);
  return Status::Ok();
}

Result<std::string> MemoryStore::BeginUpload(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  std::string id = "upload-" + std::to_string(next_id_++);
  uploads_[id] = Upload{key, ctx.clock->WallMicros(), {}};
  return id;
}

Result<MemoryStore::Upload*> MemoryStore::FindUpload(const std::string& key, const std::string& upload_id) {
  auto at = uploads_.find(upload_id);
  if (at == uploads_.end() || at->second.key != key)
    return Status(Code::kNotFound, "upload of \"" + key + "\": no such upload");
  return &at->second;
}

Result<UploadPart> MemoryStore::PutPart(const std::string& key, const std::string& upload_id, int number,
                                        uint64_t offset, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(CheckPart(key, number, offset, body.size()));
  PITR_TRY(ctx.Check());
  Bytes copy(body.begin(), body.end());
  std::lock_guard lock(mutex_);
  PITR_ASSIGN(Upload * upload, FindUpload(key, upload_id));
  std::string etag = "part-" + std::to_string(next_id_++);
  upload->parts[number] = Part{offset, std::move(copy), etag};
  return UploadPart{number, etag};
}

Status MemoryStore::CompleteUpload(const std::string& key, const std::string& upload_id,
                                   const std::vector<UploadPart>& parts, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  PITR_ASSIGN(Upload * upload, FindUpload(key, upload_id));
  std::vector<PartExtent> extents;
  for (const UploadPart& part : parts) {
    auto at = upload->parts.find(part.number);
    if (at == upload->parts.end() || at->second.etag != part.etag)
      return {Code::kInvalidArgument,
              "upload of \"" + key + "\": part " + std::to_string(part.number) + " is not known"};
    extents.push_back({part.number, at->second.offset, at->second.body.size()});
  }
  PITR_ASSIGN(const uint64_t size, CheckParts(key, extents, options_.min_part_bytes));
  if (objects_.contains(key)) return Taken("completing the upload of", key);
  Bytes whole;
  whole.reserve(size);
  for (const UploadPart& part : parts) {
    const Bytes& piece = upload->parts[part.number].body;
    whole.insert(whole.end(), piece.begin(), piece.end());
  }
  objects_[key] = Object{std::make_shared<const Bytes>(std::move(whole)), ctx.clock->WallMicros(), NewLock(ctx)};
  uploads_.erase(upload_id);
  return Status::Ok();
}

Status MemoryStore::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  if (FindUpload(key, upload_id).ok()) uploads_.erase(upload_id);
  return Status::Ok();
}

Result<std::vector<PendingUpload>> MemoryStore::ListUploads(const std::string& prefix, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  std::vector<PendingUpload> pending;
  std::lock_guard lock(mutex_);
  for (const auto& [id, upload] : uploads_)
    if (upload.key.starts_with(prefix) && pending.size() < kMaxListPage)
      pending.push_back({upload.key, id, upload.initiated_micros});
  return pending;
}

std::optional<ObjectLock> MemoryStore::NewLock(const OpContext& ctx) const {
  if (options_.lock_micros == 0) return std::nullopt;
  return ObjectLock{"GOVERNANCE", ctx.clock->WallMicros() + options_.lock_micros};
}

Status MemoryStore::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  for (const std::string& key : keys)
    if (!objects_.contains(key)) return {Code::kNotFound, "there is no object \"" + key + "\""};
  return Status::Ok();
}

Result<std::optional<ObjectLock>> MemoryStore::GetLock(const std::string& key, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  std::lock_guard lock(mutex_);
  const auto at = objects_.find(key);
  if (at == objects_.end()) return Status(Code::kNotFound, "there is no object \"" + key + "\"");
  return at->second.lock;
}

Status MemoryStore::ExtendLock(const std::string& key, const ObjectLock& wanted, const OpContext& ctx) {
  PITR_TRY(ctx.Check());
  if (options_.lock_micros == 0) return {Code::kInvalidArgument, "this store has no locks"};
  std::lock_guard lock(mutex_);
  const auto at = objects_.find(key);
  if (at == objects_.end()) return {Code::kNotFound, "there is no object \"" + key + "\""};
  if (!at->second.lock || at->second.lock->until_micros < wanted.until_micros) at->second.lock = wanted;
  return Status::Ok();
}

bool MemoryStore::FlipBit(const std::string& key, uint64_t bit) {
  std::lock_guard lock(mutex_);
  auto at = objects_.find(key);
  if (at == objects_.end() || bit / 8 >= at->second.body->size()) return false;
  Bytes damaged = *at->second.body;
  damaged[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
  at->second.body = std::make_shared<const Bytes>(std::move(damaged));
  return true;
}

bool MemoryStore::Truncate(const std::string& key, uint64_t size) {
  std::lock_guard lock(mutex_);
  auto at = objects_.find(key);
  if (at == objects_.end() || size > at->second.body->size()) return false;
  at->second.body = std::make_shared<const Bytes>(at->second.body->begin(), at->second.body->begin() + size);
  return true;
}

void MemoryStore::Replace(const std::string& key, Bytes body) {
  std::lock_guard lock(mutex_);
  objects_[key] = Object{std::make_shared<const Bytes>(std::move(body)), SystemClock().WallMicros(), std::nullopt};
}

std::vector<std::string> MemoryStore::Keys() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, object] : objects_) keys.push_back(key);
  return keys;
}

}  // namespace pitr
