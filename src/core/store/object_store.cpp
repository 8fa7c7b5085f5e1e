#include "core/store/object_store.h"

#include <cctype>

namespace pitr {
namespace {

bool IsKeyCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '=' || c == '+' || c == '-';
}

}  // namespace

Status CheckKey(const std::string& key) {
  auto bad = [&](const char* why) { return Status(Code::kInvalidArgument, "invalid object key \"" + key + "\": " + why); };
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

Result<Bytes> GetAll(ObjectStore& store, const std::string& key, size_t max_bytes, const OpContext& ctx) {
  Bytes all;
  PITR_TRY(store.Get(key, {}, [&](ByteView piece) -> Status {
    if (piece.size() > max_bytes - all.size())
      return {Code::kCorruption, "object \"" + key + "\" is larger than " + std::to_string(max_bytes) + " bytes"};
    all.insert(all.end(), piece.begin(), piece.end());
    return Status::Ok();
  }, ctx));
  return all;
}

Result<Bytes> GetRange(ObjectStore& store, const std::string& key, uint64_t offset, size_t length, const OpContext& ctx) {
  Bytes piece;
  piece.reserve(length);
  PITR_TRY(store.Get(key, {offset, length}, [&](ByteView more) {
    piece.insert(piece.end(), more.begin(), more.end());
    return Status::Ok();
  }, ctx));
  if (piece.size() != length)
    return Status(Code::kCorruption, "object \"" + key + "\": expected " + std::to_string(length) + " bytes at offset " +
                                         std::to_string(offset) + ", got " + std::to_string(piece.size()));
  return piece;
}

Status ListAll(ObjectStore& store, const std::string& prefix, const OpContext& ctx,
               const std::function<Status(const ObjectInfo&)>& each) {
  std::string start_after;
  for (;;) {
    PITR_ASSIGN(ListPage page, store.List(prefix, start_after, ctx));
    for (const ObjectInfo& object : page.objects) PITR_TRY(each(object));
    if (!page.more) return Status::Ok();
    if (page.objects.empty() || page.objects.back().key <= start_after)
      return {Code::kInternal, "listing \"" + prefix + "\" did not advance"};
    start_after = page.objects.back().key;
  }
}

}  // namespace pitr
