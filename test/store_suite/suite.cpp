#include "store_suite/suite.h"

#include <cstring>

namespace pitr::test {

Bytes Pattern(size_t size, uint64_t seed) {
  Bytes bytes(size);
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (size_t at = 0; at < size; at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(bytes.data() + at, &state, std::min(sizeof state, size - at));
  }
  return bytes;
}

void StoreSuite::SetUp() {
  const std::string missing = MissingFor(GetParam());
  if (!missing.empty() && S3IsRequired()) FAIL() << "not set: " << missing;
  if (!missing.empty()) GTEST_SKIP() << "not set: " << missing;
  place_ = MakePlace(GetParam());
  store_ = place_->Open();
}

Bytes StoreSuite::Read(const std::string& key) {
  auto body = GetAll(*store_, key, size_t{1} << 30, Ctx());
  EXPECT_TRUE(body.ok()) << body.status().ToString();
  if (body.ok()) return std::move(body).value();
  const std::string why = "unreadable: " + body.status().ToString();
  return Bytes(why.begin(), why.end());
}

Result<Bytes> StoreSuite::ReadRange(const std::string& key, ByteRange range) {
  Bytes got;
  PITR_TRY(store_->Get(
      key, range,
      [&](ByteView piece) {
        got.insert(got.end(), piece.begin(), piece.end());
        return Status::Ok();
      },
      Ctx()));
  return got;
}

std::vector<std::string> StoreSuite::Keys(const std::string& prefix, const std::string& start_after) {
  std::vector<std::string> keys;
  auto page = store_->List(prefix, start_after, Ctx());
  EXPECT_TRUE(page.ok()) << page.status().ToString();
  if (!page.ok()) return {"error"};
  EXPECT_FALSE(page.value().more);
  for (const ObjectInfo& object : page.value().objects) keys.push_back(object.key);
  return keys;
}

Result<std::vector<UploadPart>> StoreSuite::SendParts(const std::string& key, const std::string& id, ByteView body,
                                                      size_t part_bytes) {
  std::vector<UploadPart> parts;
  for (size_t at = 0; at < body.size(); at += part_bytes) {
    const ByteView piece = body.subspan(at, std::min(part_bytes, body.size() - at));
    PITR_ASSIGN(UploadPart part, store_->PutPart(key, id, static_cast<int>(parts.size()) + 1, at, piece, Ctx()));
    parts.push_back(std::move(part));
  }
  return parts;
}

bool StoreSuite::IsPending(const std::string& key, const std::string& id) {
  auto uploads = store_->ListUploads(key, Ctx());
  EXPECT_TRUE(uploads.ok()) << uploads.status().ToString();
  if (!uploads.ok()) return false;
  for (const PendingUpload& upload : uploads.value())
    if (upload.key == key && upload.upload_id == id) return true;
  return false;
}

}  // namespace pitr::test
