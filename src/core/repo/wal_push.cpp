#include "core/repo/wal_push.h"

#include <algorithm>

#include "core/base/thread.h"
#include "core/repo/layout.h"
#include "core/repo/wal_check.h"
#include "core/repo/wal_compare.h"
#include "core/repo/wal_source.h"
#include "core/store/object_writer.h"

namespace pitr {
namespace {

// A file up to this size is sent with one request, from one buffer; a larger one in parts.
constexpr uint64_t kOneRequestBytes = uint64_t{32} << 20;
constexpr int kPartsInFlight = 2;

// Encodes the file frame by frame; `each` takes the bytes of `out` away or leaves them there.
Status EncodeFile(const Repository& repository, const std::string& key, const WalSource& source, const OpContext& ctx,
                  Bytes& out, const std::function<Status(Bytes&)>& each) {
  ObjectEncoder encoder(repository.key(), repository.config().compression_level);
  PITR_TRY(encoder.Begin(ObjectKind::kWal, key, out));
  Bytes frame(std::min<uint64_t>(kWalFramePlainBytes, source.size_bytes()));
  for (uint64_t done = 0; done < source.size_bytes();) {
    PITR_TRY(ctx.Check());
    const size_t n = std::min<uint64_t>(frame.size(), source.size_bytes() - done);
    PITR_TRY(source.ReadAt(done, std::span(frame).first(n)));
    PITR_ASSIGN([[maybe_unused]] FrameRef ref, encoder.AppendFrame(ByteView(frame).first(n), out));
    PITR_TRY(each(out));
    done += n;
  }
  PITR_TRY(encoder.Finish(out));
  PITR_TRY(source.CheckUnchanged());  // before anything becomes visible
  return each(out);
}

// Holds one of the semaphore's slots; reading and compressing are short, so waiting for one needs no cancelling.
class Slot {
 public:
  explicit Slot(std::counting_semaphore<>* slots) : slots_(slots) {
    if (slots_ != nullptr) slots_->acquire();
  }
  ~Slot() {
    if (slots_ != nullptr) slots_->release();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::counting_semaphore<>* const slots_;
};

Result<uint64_t> SendWhole(const Repository& repository, const std::string& key, const WalSource& source,
                           const OpContext& ctx, std::counting_semaphore<>* encoders) {
  Bytes stored;
  {
    const Slot slot(encoders);
    stored.reserve(MaxObjectBytes(source.size_bytes()));
    PITR_TRY(EncodeFile(repository, key, source, ctx, stored, [](Bytes&) { return Status::Ok(); }));
  }
  PITR_TRY(repository.store().Create(key, stored, ctx));
  return uint64_t{stored.size()};
}

Result<uint64_t> SendInParts(const Repository& repository, const std::string& key, const WalSource& source,
                             const OpContext& ctx) {
  PITR_ASSIGN(const std::unique_ptr<ThreadPool> pool, ThreadPool::Start(kPartsInFlight));
  WriterOptions options;
  options.part_bytes = static_cast<size_t>(repository.config().part_size_kb) << 10;
  options.parts_in_flight = kPartsInFlight;
  options.expected_bytes = MaxObjectBytes(source.size_bytes());
  ObjectWriter writer(repository.store(), *pool, key, options, ctx);
  Bytes stored;
  PITR_TRY(EncodeFile(repository, key, source, ctx, stored, [&](Bytes& bytes) {
    Status status = writer.Append(bytes);
    bytes.clear();
    return status;
  }));
  return writer.Finish();
}

}  // namespace

Result<WalPushResult> PushWalFile(const Repository& repository, const std::string& name, const std::string& path,
                                  const OpContext& ctx, std::counting_semaphore<>* encoders) {
  PITR_ASSIGN(const WalFileName parsed, CheckWalName(repository, name));
  PITR_ASSIGN(const WalSource source, WalSource::Open(path));
  auto archiving = [&](Status status) { return std::move(status).Annotate("archiving WAL file \"" + name + "\""); };

  std::array<uint8_t, kLongWalPageHeaderSize> first;
  const auto first_bytes = std::span(first).first(std::min<uint64_t>(first.size(), source.size_bytes()));
  if (Status status = source.ReadAt(0, first_bytes); !status.ok()) return archiving(std::move(status));
  if (Status status = CheckWalContent(repository, parsed, first_bytes, source.size_bytes()); !status.ok())
    return archiving(std::move(status));

  const std::string key = layout::WalKey(name);
  WalPushResult result;
  result.plain_bytes = source.size_bytes();
  auto sent = source.size_bytes() <= kOneRequestBytes ? SendWhole(repository, key, source, ctx, encoders)
                                                      : SendInParts(repository, key, source, ctx);
  if (sent.ok()) {
    result.stored_bytes = sent.value();
    return result;
  }
  if (sent.code() != Code::kAlreadyExists) return archiving(std::move(sent).status());
  // Ours from before a crash, or somebody else's? Only the content tells.
  auto same = CompareWithStored(repository, key, source, ctx);
  if (!same.ok()) return archiving(std::move(same).status());
  result.already_there = true;
  result.stored_bytes = same.value();
  return result;
}

}  // namespace pitr
