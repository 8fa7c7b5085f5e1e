#include "core/store/create_race.h"

#include <vector>

#include "core/base/thread.h"

namespace pitr {
namespace {

std::string RacerText(int racer) { return "racer " + std::to_string(racer); }

}  // namespace

Result<CreateRace> RaceCreators(ObjectStore& store, const std::string& key, int racers, const OpContext& ctx) {
  std::vector<Status> outcomes(static_cast<size_t>(racers));
  {
    PITR_ASSIGN(auto pool, ThreadPool::Start(racers));
    for (int i = 0; i < racers; ++i) {
      pool->Submit([&, i] {
        outcomes[static_cast<size_t>(i)] = Guarded([&] { return store.Create(key, AsBytes(RacerText(i)), ctx); });
      });
    }
  }
  for (const Status& outcome : outcomes)
    if (!outcome.ok() && outcome.code() != Code::kAlreadyExists) return outcome;
  PITR_ASSIGN(const Bytes stored, GetAll(store, key, 64, ctx));
  CreateRace race;
  for (int i = 0; i < racers; ++i) {
    if (!outcomes[static_cast<size_t>(i)].ok()) continue;
    race.won++;
    race.kept |= AsText(stored) == RacerText(i);
  }
  return race;
}

}  // namespace pitr
