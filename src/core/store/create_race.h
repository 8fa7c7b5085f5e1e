// Several creators of one object at the same moment: whether a store lets exactly one of them win can only be tried.
#pragma once
#include <string>

#include "core/base/op_context.h"
#include "core/base/status.h"
#include "core/store/object_store.h"

namespace pitr {

struct CreateRace {
  int won = 0;        // were told that they created it
  bool kept = false;  // what is stored is what one of them wrote
  bool OneWon() const { return won == 1 && kept; }
};

// Each of `racers` creates `key`, with bytes of its own. Errors: those of Create other than kAlreadyExists, of Get and
// of starting threads. Leaves the object there.
Result<CreateRace> RaceCreators(ObjectStore& store, const std::string& key, int racers, const OpContext& ctx);

}  // namespace pitr
