#include "core/repo/opening/repository_watch.h"

#include <chrono>

#include "core/base/thread.h"
#include "core/repo/layout.h"
#include "core/repo/marker.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/opening/recovery_kit.h"
#include "core/store/absence.h"
#include "core/store/missing_store.h"

namespace pitr {
namespace {

constexpr int64_t kKeysMillis = 60000;
constexpr int64_t kMomentMillis = 1000;
constexpr auto kCancelPoll = std::chrono::milliseconds(100);

std::string WriteAgain() {
  return "Nothing is called archived or backed up until it is there again. " + HowToWriteAgain("it") +
         " Then find out what took it (a lifecycle rule, a clean-up job). If the repository "
         "was removed on purpose, remove the file pg_pitr.repository from the data directory, and take a full backup "
         "when archiving goes on.";
}

Status Gone(const Repository& repository, const std::string& what) {
  return Status(Code::kConflict, what + repository.store().Describe() + " is gone")
      .WithDetail(
          "It was there when the repository was opened. What is stored now could not be found or read by a "
          "restore.")
      .WithHint(WriteAgain());
}

Status CheckKeySlots(const Repository& repository, const OpContext& ctx) {
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(repository.store(), repository.marker().repository_id, ctx));
  if (keyring.slots.empty()) return Gone(repository, "the last readable key slot of repository ");
  std::vector<std::string> keys;
  for (const KeySlot& slot : keyring.slots) keys.push_back(slot.object_key());
  return repository.store().Settle(keys, ctx);
}

}  // namespace

Status CheckIdentity(const Repository& repository, bool keys, const OpContext& ctx) {
  ObjectStore& store = repository.store();
  const std::string key(layout::kMarkerKey);
  const auto found = OrConfirmed(store, key, ReadMarker(store, ctx), ctx);
  // An emptied directory is not a store any more.
  const bool no_store = IsMissingStore(found.status());
  if (found.code() == Code::kNotFound || no_store) {
    Status gone = Gone(repository, "the marker of repository ");
    return no_store ? std::move(gone).WithDetail(found.status().message() + ".") : gone;
  }
  if (!found.ok()) return found.status();
  const RepositoryMarker &now = found.value(), &then = repository.marker();
  if (now.repository_id != then.repository_id || now.cluster.system_id != then.cluster.system_id ||
      now.encrypted != then.encrypted)
    return Status(Code::kConflict, "another repository stands at " + store.Describe() + " than was opened there")
        .WithDetail("Its id is " + now.repository_id + ", system identifier " +
                    std::to_string(now.cluster.system_id.value) + "; opened was " + then.repository_id +
                    ", system identifier " + std::to_string(then.cluster.system_id.value) + ".")
        .WithHint(
            "Find out who replaced it. If that is meant, remove the file pg_pitr.repository from the data "
            "directory, and take a full backup when archiving goes on.");
  PITR_TRY(store.Settle({key}, ctx));
  if (!keys || !then.encrypted) return Status::Ok();
  return CheckKeySlots(repository, ctx);
}

Status RepositoryWatch::Look(const Repository& repository, const OpContext& ctx) {
  const int64_t now = ctx.clock->SteadyMillis();
  const bool keys = now >= next_keys_millis_;
  PITR_TRY(CheckIdentity(repository, keys, ctx));
  if (!keys) return Status::Ok();
  next_keys_millis_ = now + kKeysMillis;
  if (data_directory_.empty()) return Status::Ok();
  auto kit = ReadRecoveryKit(repository.store(), ctx);
  Status written = kit.status();
  if (kit.ok() && FormatRecoveryKit(kit.value()) != kit_)
    written = WriteRecoveryKit(data_directory_ + "/" + kRecoveryKitFile, kit.value());
  if (written.ok()) {
    kit_ = FormatRecoveryKit(kit.value());
  } else {
    // A convenience; archiving does not depend on it.
    repository.log().Warning(std::string("could not keep a recovery kit in the data directory: ") + written.ToString());
  }
  return Status::Ok();
}

Status RepositoryWatch::CheckStored(const Repository& repository, const OpContext& ctx) {
  std::unique_lock lock(mutex_);
  const uint64_t needed = begun_ + 1;
  for (;;) {
    if (ended_ >= needed) return last_;
    PITR_TRY(ctx.Check());
    if (looking_) {
      changed_.wait_for(lock, kCancelPoll);
      continue;
    }
    looking_ = true;
    begun_++;
    lock.unlock();
    const int64_t began = ctx.clock->SteadyMillis();
    Status looked = Guarded([&] { return Look(repository, ctx); });
    lock.lock();
    if (!looked.ok()) next_keys_millis_ = 0;
    good_until_millis_ = looked.ok() ? began + kMomentMillis : 0;
    looking_ = false;
    ended_ = begun_;
    last_ = std::move(looked);
    changed_.notify_all();
  }
}

Status RepositoryWatch::CheckBefore(const Repository& repository, const OpContext& ctx) {
  {
    std::lock_guard lock(mutex_);
    if (ctx.clock->SteadyMillis() < good_until_millis_) return Status::Ok();
  }
  return CheckStored(repository, ctx);
}

}  // namespace pitr
