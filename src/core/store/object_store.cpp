#include "core/store/object_store.h"

#include "core/base/ascii.h"

namespace pitr {
namespace {

// Not isalnum(): a server process has a locale.
bool IsKeyCharacter(char c) { return IsLetterOrDigit(c) || c == '.' || c == '_' || c == '=' || c == '+' || c == '-'; }

}  // namespace

Status ObjectStore::CheckPrefixes(const std::vector<std::string>& /*prefixes*/, const OpContext& /*ctx*/) {
  return Status::Ok();
}

Status CheckKey(const std::string& key) {
  auto bad = [&](const char* why) {
    return Status(Code::kInvalidArgument, "invalid object key \"" + key + "\": " + why);
  };
  if (key.empty()) return bad("it is empty");
  if (key.size() > kMaxKeyBytes) return bad("it is too long");
  size_t start = 0;
  for (size_t i = 0; i <= key.size(); i++) {
    if (i < key.size() && key[i] != '/') {
      if (!IsKeyCharacter(key[i])) return bad("it has a character that is not allowed");
      continue;
    }
    std::string_view part(key.data() + start, i - start);
    if (part.empty() || part == "." || part == "..") return bad("it has an empty or dotted segment");
    start = i + 1;
  }
  return Status::Ok();
}

Status CheckDeleteBatch(const std::vector<std::string>& keys) {
  if (keys.size() > kMaxDeleteBatch)
    return {Code::kInvalidArgument, "cannot delete " + std::to_string(keys.size()) + " objects at once, the limit is " +
                                        std::to_string(kMaxDeleteBatch)};
  for (const std::string& key : keys) PITR_TRY(CheckKey(key));
  return Status::Ok();
}

Result<uint64_t> RangeLength(const std::string& key, ByteRange range, uint64_t size) {
  const bool to_end = range.length == UINT64_MAX;
  if (to_end && range.offset == 0) return size;
  if (to_end ? range.offset < size : range.offset <= size && range.length <= size - range.offset)
    return to_end ? size - range.offset : range.length;
  std::string what = to_end ? "bytes from offset " + std::to_string(range.offset)
                            : std::to_string(range.length) + " bytes at offset " + std::to_string(range.offset);
  return Status(Code::kInvalidArgument, "reading \"" + key + "\": " + what + " are past the end, the object has " +
                                            std::to_string(size) + " bytes");
}

Result<Bytes> GetAll(ObjectStore& store, const std::string& key, size_t max_bytes, const OpContext& ctx) {
  Bytes all;
  PITR_TRY(store.Get(
      key, {},
      [&](ByteView piece) -> Status {
        if (piece.size() > max_bytes - all.size())
          return {Code::kCorruption, "object \"" + key + "\" is larger than " + std::to_string(max_bytes) + " bytes"};
        all.insert(all.end(), piece.begin(), piece.end());
        return Status::Ok();
      },
      ctx));
  return all;
}

Result<Bytes> GetRange(ObjectStore& store, const std::string& key, uint64_t offset, size_t length,
                       const OpContext& ctx) {
  Bytes piece;
  piece.reserve(length);
  PITR_TRY(store.Get(
      key, {offset, length},
      [&](ByteView more) {
        piece.insert(piece.end(), more.begin(), more.end());
        return Status::Ok();
      },
      ctx));
  if (piece.size() != length)
    return Status(Code::kCorruption, "object \"" + key + "\": expected " + std::to_string(length) +
                                         " bytes at offset " + std::to_string(offset) + ", got " +
                                         std::to_string(piece.size()));
  return piece;
}

Status ListFrom(ObjectStore& store, const std::string& prefix, std::string start_after, const OpContext& ctx,
                const std::function<Result<bool>(const ObjectInfo&)>& each) {
  for (;;) {
    PITR_ASSIGN(const ListPage page, store.List(prefix, start_after, ctx));
    for (const ObjectInfo& object : page.objects) {
      PITR_ASSIGN(const bool goes_on, each(object));
      if (!goes_on) return Status::Ok();
    }
    if (!page.more) return Status::Ok();
    if (page.objects.empty() || page.objects.back().key <= start_after)
      return {Code::kInternal, "listing \"" + prefix + "\" did not advance"};
    start_after = page.objects.back().key;
  }
}

Status ListAll(ObjectStore& store, const std::string& prefix, const OpContext& ctx,
               const std::function<Status(const ObjectInfo&)>& each) {
  return ListFrom(store, prefix, "", ctx, [&](const ObjectInfo& object) -> Result<bool> {
    PITR_TRY(each(object));
    return true;
  });
}

}  // namespace pitr
