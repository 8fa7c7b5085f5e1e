#include "core/store/absence.h"

namespace pitr {

Status ConfirmAbsent(ObjectStore& store, const std::string& key, const OpContext& ctx) {
  // The first key with this prefix is the key itself, if it is there.
  auto page = store.List(key, "", ctx);
  if (!page.ok()) return std::move(page).status().Annotate("looking a second time for \"" + key + "\"");
  if (page.value().objects.empty() || page.value().objects.front().key != key)
    return {Code::kNotFound, "there is no object \"" + key + "\""};
  return Status(Code::kCorruption, "the store lists object \"" + key + "\" and says that it does not exist")
      .WithHint(
          "Try again. If it stays so, the object's data is lost in the store, or a cache or gateway before it is "
          "wrong.");
}

Result<bool> IsThere(ObjectStore& store, const std::string& key, const OpContext& ctx) {
  const auto found = store.Stat(key, ctx);
  if (found.ok()) return true;
  if (found.code() != Code::kNotFound) return found.status();
  Status again = ConfirmAbsent(store, key, ctx);
  if (again.code() == Code::kNotFound) return false;
  if (again.code() == Code::kCorruption) return true;
  return again;
}

bool IsOfTheStore(Code code) {
  return code == Code::kUnavailable || code == Code::kPermission || code == Code::kCancelled || code == Code::kInternal;
}

}  // namespace pitr
