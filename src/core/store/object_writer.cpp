#include "core/store/object_writer.h"

#include <algorithm>
#include <cstring>

#include "core/base/bytes.h"

namespace pitr {
namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace

// Outlives the writer's calls because tasks hold it too.
struct ObjectWriter::Sent {
  std::mutex mutex;
  std::condition_variable changed;
  int in_flight = 0;  // protected by mutex, as all here
  std::vector<Buffer> spare;
  std::vector<UploadPart> parts;  // in order of arrival
  Status failure;                 // the first
};

size_t PartBytesFor(size_t part_bytes, uint64_t expected_bytes) {
  const uint64_t needed = DivideUp(expected_bytes, kMaxUploadParts);
  return needed <= part_bytes ? part_bytes : DivideUp(needed, kMiB) * kMiB;
}

ObjectWriter::ObjectWriter(ObjectStore& store, ThreadPool& pool, std::string key, const WriterOptions& options,
                           const OpContext& ctx)
    : store_(store),
      pool_(pool),
      key_(std::move(key)),
      options_(options),
      ctx_(ctx),
      part_bytes_(PartBytesFor(options.part_bytes, options.expected_bytes)),
      sent_(std::make_shared<Sent>()) {}

ObjectWriter::~ObjectWriter() { Abort(); }

Status ObjectWriter::Append(ByteView bytes) {
  if (!failure_.ok()) return failure_;
  if (closed_) return {Code::kInternal, "object \"" + key_ + "\" is finished, nothing can be appended"};
  while (!bytes.empty()) {
    // A full buffer is sent only when more follows: an object of exactly one part needs no upload.
    if (filled_ == part_bytes_)
      if (Status status = SendPart(); !status.ok()) return Fail(std::move(status));
    if (current_ == nullptr) TakeBuffer();
    const size_t n = std::min(bytes.size(), part_bytes_ - filled_);
    std::memcpy(current_.get() + filled_, bytes.data(), n);
    filled_ += n;
    size_ += n;
    bytes = bytes.subspan(n);
  }
  return Status::Ok();
}

// At most parts_in_flight buffers are with the pool, so at most one more is ever made.
void ObjectWriter::TakeBuffer() {
  filled_ = 0;
  {
    std::lock_guard lock(sent_->mutex);
    if (!sent_->spare.empty()) {
      current_ = std::move(sent_->spare.back());
      sent_->spare.pop_back();
      return;
    }
  }
  current_.reset(new uint8_t[part_bytes_]);  // not zeroed: pages are touched as they fill
}

Status ObjectWriter::SendPart() {
  PITR_TRY(ctx_.Check());
  if (parts_ == kMaxUploadParts)
    return Status(Code::kInvalidArgument, "object \"" + key_ + "\" does not fit into " +
                                              std::to_string(kMaxUploadParts) + " parts of " +
                                              std::to_string(part_bytes_) + " bytes")
        .WithDetail("Its expected size was given as " + std::to_string(options_.expected_bytes) + " bytes.");
  if (upload_id_.empty()) { PITR_ASSIGN(upload_id_, store_.BeginUpload(key_, ctx_)); }
  {
    std::unique_lock lock(sent_->mutex);
    sent_->changed.wait(lock, [&] { return sent_->in_flight < options_.parts_in_flight || !sent_->failure.ok(); });
    if (!sent_->failure.ok()) return sent_->failure;
    sent_->in_flight++;
  }
  const int number = ++parts_;
  const uint64_t offset = uint64_t(number - 1) * part_bytes_;
  // std::function wants a copyable task.
  auto body = std::make_shared<Buffer>(std::move(current_));
  pool_.Submit([sent = sent_, body, number, offset, length = filled_, id = upload_id_, this] {
    bool skip;
    {
      std::lock_guard lock(sent->mutex);
      skip = !sent->failure.ok();
    }
    UploadPart done;
    Status status = skip ? Status::Ok() : Guarded([&]() -> Status {
      PITR_ASSIGN(done, store_.PutPart(key_, id, number, offset, {body->get(), length}, ctx_));
      return Status::Ok();
    });
    std::lock_guard lock(sent->mutex);
    if (!status.ok() && sent->failure.ok()) sent->failure = std::move(status);
    if (!skip && !done.etag.empty()) sent->parts.push_back(std::move(done));
    sent->spare.push_back(std::move(*body));
    sent->in_flight--;
    sent->changed.notify_all();  // under the lock: the writer may be gone right after
  });
  filled_ = 0;
  return Status::Ok();
}

bool ObjectWriter::WaitForParts() noexcept {
  std::unique_lock lock(sent_->mutex);
  sent_->changed.wait(lock, [&] { return sent_->in_flight == 0; });
  return sent_->failure.ok();
}

Result<uint64_t> ObjectWriter::Finish() {
  if (!failure_.ok()) return failure_;
  if (closed_) return Status(Code::kInternal, "object \"" + key_ + "\" is already finished or aborted");
  Status status;
  if (upload_id_.empty()) {
    status = store_.Create(key_, {current_.get(), filled_}, ctx_);
  } else {
    status = SendPart();  // there is at least a byte: SendPart is only called when more follows
    if (!WaitForParts()) status = sent_->failure;
    if (status.ok()) {
      std::sort(sent_->parts.begin(), sent_->parts.end(),
                [](const UploadPart& a, const UploadPart& b) { return a.number < b.number; });
      status = store_.CompleteUpload(key_, upload_id_, sent_->parts, ctx_);
    }
  }
  if (!status.ok()) return Fail(std::move(status));
  closed_ = true;
  upload_id_.clear();
  current_.reset();
  sent_->spare.clear();
  return size_;
}

Status ObjectWriter::Fail(Status why) {
  failure_ = std::move(why);
  Abort();
  return failure_;
}

void ObjectWriter::Abort() noexcept {
  if (closed_) return;
  closed_ = true;
  {
    std::lock_guard lock(sent_->mutex);  // parts not begun yet are skipped
    if (sent_->failure.ok()) sent_->failure = {Code::kCancelled, "upload aborted"};
  }
  WaitForParts();
  current_.reset();
  sent_->spare.clear();
  if (upload_id_.empty()) return;
  // Not with the caller's context: that may be cancelled or out of time, which is no reason to leave rubbish.
  Status aborted = Guarded([&] {
    return store_.AbortUpload(key_, upload_id_,
                              OpContext::WithTimeout(options_.abort_timeout_millis, nullptr, *ctx_.clock));
  });
  upload_id_.clear();
  if (!aborted.ok() && !failure_.ok() && failure_.detail().empty())
    failure_ = std::move(failure_).WithDetail("The unfinished upload could not be aborted (" + aborted.message() +
                                              "); it stays until unfinished uploads are swept.");
}

}  // namespace pitr
