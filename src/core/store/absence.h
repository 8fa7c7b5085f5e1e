// Absence takes two looks. A store behind caches, gateways or replicas now and then answers "not found" for an object
// that is there, and whoever believed it would delete what the object protects, or end a recovery too early.
#pragma once
#include <string>

#include "core/store/object_store.h"

namespace pitr {

// For a key that Get or Stat called not found: kNotFound when a listing agrees, kCorruption when the listing has the
// object, kUnavailable and so on when the store does not answer. Never ok. One request.
Status ConfirmAbsent(ObjectStore& store, const std::string& key, const OpContext& ctx);

// `found`, a Status or a Result, as it is, unless it is kNotFound: then what ConfirmAbsent says.
template <class R>
R OrConfirmed(ObjectStore& store, const std::string& key, R found, const OpContext& ctx) {
  if (found.code() != Code::kNotFound) return found;
  Status confirmed = ConfirmAbsent(store, key, ctx);
  if (confirmed.code() == Code::kNotFound) return found;
  return confirmed;
}

// Whether either of two looks finds an object: for claims that somebody deleted it. Errors as Stat and List.
Result<bool> IsThere(ObjectStore& store, const std::string& key, const OpContext& ctx);

// Whether it is the store that does not answer, rather than the object that is absent or not what it should be.
bool IsOfTheStore(Code code);

}  // namespace pitr
