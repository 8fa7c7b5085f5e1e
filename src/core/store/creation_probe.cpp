#include "core/store/creation_probe.h"

#include <random>
#include <vector>

#include "core/store/create_race.h"

namespace pitr {
namespace {

constexpr int kProbeRacers = 4;
constexpr int kProbeRounds = 3;  // a store that does not care may look as if it did, once
constexpr size_t kMaxProbeBytes = 64;

std::string RandomProbeKey() {
  std::random_device device;
  Bytes random;
  for (int i = 0; i < 4; i++) AppendLe<uint32_t>(random, device());
  return "probe/" + ToHex(random);  // where docs/format.md lets tests of a store leave objects
}

std::string PlainKey(const std::string& key) { return key + ".plain"; }
std::string RaceKey(const std::string& key, int round) { return key + ".race" + std::to_string(round); }

// Refused, because the store does not take the condition, or because of what else was asked for: then nothing can be
// stored without it either.
Result<bool> CreatePlain(StoreConfig config, const std::string& key, Log& log, const Clock& clock,
                         const OpContext& ctx) {
  config.s3.conditional_create = false;
  PITR_ASSIGN(const auto store, OpenStore(config, log, clock));
  PITR_TRY(store->Create(key, AsBytes("plain"), ctx));
  return false;
}

// One creator after the other, then several at once.
Result<bool> TryCreators(const StoreConfig& config, ObjectStore& store, const std::string& key, Log& log,
                         const Clock& clock, const OpContext& ctx) {
  const Status first = store.Create(key, AsBytes("first"), ctx);
  if (first.code() == Code::kInvalidArgument || first.code() == Code::kAlreadyExists)
    return CreatePlain(config, PlainKey(key), log, clock, ctx);
  PITR_TRY(first);
  const Status second = store.Create(key, AsBytes("second"), ctx);
  // Old MinIO says 304, others what is none of the codes for it: nothing to rely on.
  if (second.ok() || second.code() == Code::kInvalidArgument) return false;
  if (second.code() != Code::kAlreadyExists) return second;
  PITR_ASSIGN(const Bytes kept, GetAll(store, key, kMaxProbeBytes, ctx));
  if (AsText(kept) != "first") return false;
  for (int round = 0; round < kProbeRounds; round++) {
    const auto race = RaceCreators(store, RaceKey(key, round), kProbeRacers, ctx);
    if (race.code() == Code::kInvalidArgument) return false;  // as above
    if (!race.ok()) return race.status();
    if (!race.value().OneWon()) return false;
  }
  return true;
}

}  // namespace

Result<bool> ProbeConditionalCreate(const StoreConfig& config, Log& log, const Clock& clock, const OpContext& ctx) {
  StoreConfig plain = config;
  plain.s3.conditional_create = true;
  // A locked probe could not be deleted; but the bucket may lock it all the same.
  plain.s3.content_md5 |= !plain.s3.object_lock_mode.empty();
  plain.s3.object_lock_mode.clear();
  PITR_ASSIGN(const auto store, OpenStore(plain, log, clock));
  const std::string key = RandomProbeKey();
  auto atomic = TryCreators(plain, *store, key, log, clock, ctx);
  std::vector<std::string> keys{key, PlainKey(key)};
  for (int round = 0; round < kProbeRounds; round++) keys.push_back(RaceKey(key, round));
  const Status deleted = store->Delete(keys, ctx);
  if (!atomic.ok()) return std::move(atomic).status();
  // Credentials that may only add objects are a good idea; what stays under probe/ is in nobody's way.
  if (!deleted.ok() && deleted.code() != Code::kPermission) return deleted;
  return atomic;
}

}  // namespace pitr
