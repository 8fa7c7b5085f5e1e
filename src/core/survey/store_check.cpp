#include "core/survey/store_check.h"

#include <algorithm>
#include <random>

#include "core/base/thread.h"
#include "core/repo/layout.h"
#include "core/store/create_race.h"
#include "core/store/creation_probe.h"
#include "core/store/pending_uploads.h"

namespace pitr {
namespace {

constexpr int kRacers = 4;
constexpr size_t kLastPartBytes = 1000;
constexpr const char* kBroken =
    "This store does not keep a promise that the archive relies on; do not use it for backups.";
constexpr const char* kNeeded = "The archive relies on this; ask who runs the store.";
constexpr const char* kRaceItem = "store: racing creators";
// Keys of which one is the beginning of another, and characters that stores sort differently.
constexpr const char* kListedNames[] = {"ab", "a-b", "abc", "a/b", "a0", "a.b", "a/b-c", "a+b", "aC"};

std::string RandomName() {
  std::random_device random;
  Bytes bytes(12);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return ToHex(bytes);
}

Bytes Pattern(size_t size, uint32_t seed) {
  Bytes bytes(size);
  uint32_t state = seed * 2654435761u + 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

Status Wrong(const std::string& what) { return {Code::kConflict, what}; }

// Tries one semantic after another under one random prefix; each becomes a row.
class StoreProbe {
 public:
  StoreProbe(ObjectStore& store, const OpContext& ctx)
      : store_(store), ctx_(ctx), prefix_(std::string(layout::kProbePrefix) + RandomName() + "/") {}

  std::vector<CheckRow> Run();

 private:
  std::string Key(const std::string& name) {
    keys_.push_back(prefix_ + name);
    return keys_.back();
  }
  bool Add(const std::string& item, const std::string& found, const std::string& hint,
           const std::function<Status()>& attempt);
  Status ExpectContent(const std::string& key, ByteView expected);

  Status CreateOnce();
  void CheckRace();
  Status ReadRanges();
  Status AskForAbsent();
  Status ListInOrder();
  Status UploadInParts();
  Status UploadToTakenKey();
  Status AbortUpload();
  void CheckAbort();
  Status DeleteAndLook();
  void CheckPrefixes();
  void CheckDeletion();
  Result<std::vector<UploadPart>> SendParts(const std::string& key, const std::string& upload_id, ByteView body);
  void CleanUp();

  ObjectStore& store_;
  const OpContext& ctx_;
  const std::string prefix_;
  std::vector<std::string> keys_;
  std::vector<CheckRow> rows_;
  Status uploads_refused_;
};

bool StoreProbe::Add(const std::string& item, const std::string& found, const std::string& hint,
                     const std::function<Status()>& attempt) {
  const Status status = Guarded(attempt);
  if (status.ok()) {
    rows_.push_back({"store: " + item, CheckState::kOk, found, ""});
    return true;
  }
  const std::string what_to_do = !status.hint().empty()               ? status.hint()
                                 : status.code() == Code::kConflict   ? kBroken
                                 : status.code() == Code::kPermission ? hint
                                                                      : kNeeded;
  rows_.push_back({"store: " + item, CheckState::kFailed, status.WithoutHint(), what_to_do});
  return false;
}

Status StoreProbe::ExpectContent(const std::string& key, ByteView expected) {
  PITR_ASSIGN(const Bytes stored, GetAll(store_, key, expected.size() + 1, ctx_));
  if (!std::equal(stored.begin(), stored.end(), expected.begin(), expected.end()))
    return Wrong("what was read from \"" + key + "\" is not what was stored");
  return Status::Ok();
}

Status StoreProbe::CreateOnce() {
  const std::string key = Key("once");
  const Bytes first = Pattern(100, 1), second = Pattern(100, 2);
  PITR_TRY(store_.Create(key, first, ctx_));
  const Status again = store_.Create(key, second, ctx_);
  if (again.ok()) return Wrong("a second object was stored under a taken key");
  if (again.code() != Code::kAlreadyExists) return again;
  return ExpectContent(key, first);
}

// A repository may have been made when this was not seen, or under another release of the store.
void StoreProbe::CheckRace() {
  if (!store_.capabilities().conditional_create) {
    rows_.push_back({kRaceItem, CheckState::kWarning, kNotAtomic, kNotAtomicHint});
    return;
  }
  CreateRace race;
  const Status raced = Guarded([&]() -> Status {
    PITR_ASSIGN(race, RaceCreators(store_, Key("race"), kRacers, ctx_));
    if (race.won == 0) return Wrong("of racing creators none was told that it won");
    return race.kept ? Status::Ok() : Wrong("what racing creators left is not what one that won wrote");
  });
  if (raced.ok() && race.won > 1) {
    rows_.push_back({kRaceItem, CheckState::kWarning,
                     std::to_string(race.won) + " of " + std::to_string(kRacers) +
                         " racing creators were told that they won: the store refuses a taken key, but not at once",
                     kNotAtomicHint});
    return;
  }
  Add("racing creators", "exactly one of " + std::to_string(kRacers) + " wins", kBroken, [&] { return raced; });
}

Status StoreProbe::ReadRanges() {
  const std::string key = Key("ranges");
  const Bytes body = Pattern(70000, 3);
  PITR_TRY(store_.Create(key, body, ctx_));
  PITR_ASSIGN(const ObjectInfo info, store_.Stat(key, ctx_));
  if (info.size != body.size())
    return Wrong("the size told is " + std::to_string(info.size) + ", not " + std::to_string(body.size()));
  PITR_TRY(ExpectContent(key, body));
  for (auto [offset, length] : {std::pair<size_t, size_t>{0, 1}, {12345, 50000}, {69999, 1}}) {
    PITR_ASSIGN(const Bytes part, GetRange(store_, key, offset, length, ctx_));
    if (!std::equal(part.begin(), part.end(), body.begin() + static_cast<ptrdiff_t>(offset),
                    body.begin() + static_cast<ptrdiff_t>(offset + length)))
      return Wrong("a range that was read is not what was stored there");
  }
  return Status::Ok();
}

Status StoreProbe::AskForAbsent() {
  const std::string key = prefix_ + "absent";
  const auto info = store_.Stat(key, ctx_);
  if (info.ok()) return Wrong("an object that was never stored is said to be there");
  if (info.code() != Code::kNotFound) return info.status();
  const Status got = store_.Get(
      key, {}, [](ByteView) { return Status::Ok(); }, ctx_);
  if (got.ok()) return Wrong("an object that was never stored could be read");
  return got.code() == Code::kNotFound ? Status::Ok() : got;
}

Status StoreProbe::ListInOrder() {
  const std::string below = prefix_ + "list/";
  std::vector<std::string> expected;
  for (const char* name : kListedNames) {
    expected.push_back(Key(std::string("list/") + name));
    PITR_TRY(store_.Create(expected.back(), Pattern(10, 20), ctx_));
  }
  std::sort(expected.begin(), expected.end());
  const auto listed = [&](const std::string& prefix, const std::string& after) -> Result<std::vector<std::string>> {
    std::vector<std::string> keys;
    PITR_TRY(ListFrom(store_, prefix, after, ctx_, [&](const ObjectInfo& info) -> Result<bool> {
      keys.push_back(info.key);
      return true;
    }));
    return keys;
  };
  PITR_ASSIGN(const auto all, listed(below, ""));
  if (all != expected) return Wrong("the list is not complete or not in the order of keys");
  PITR_ASSIGN(const auto alike, listed(below + "ab", ""));
  if (alike != std::vector<std::string>{below + "ab", below + "abc"})
    return Wrong("a list of the keys that begin with another has other objects than these");
  // As the next page begins, whatever the last one ended with.
  for (auto last = expected.begin(); last != expected.end(); ++last) {
    PITR_ASSIGN(const auto rest, listed(below, *last));
    if (!std::equal(rest.begin(), rest.end(), last + 1, expected.end()))
      return Wrong("a list that begins after \"" + *last + "\" has other objects than those after it");
  }
  return Status::Ok();
}

Result<std::vector<UploadPart>> StoreProbe::SendParts(const std::string& key, const std::string& upload_id,
                                                      ByteView body) {
  // The last part first: parts are in flight at the same time when it matters.
  PITR_ASSIGN(UploadPart second, store_.PutPart(key, upload_id, 2, kMinPartBytes, body.subspan(kMinPartBytes), ctx_));
  PITR_ASSIGN(UploadPart first, store_.PutPart(key, upload_id, 1, 0, body.first(kMinPartBytes), ctx_));
  return std::vector<UploadPart>{std::move(first), std::move(second)};
}

Status StoreProbe::UploadInParts() {
  const std::string key = Key("parts");
  const Bytes body = Pattern(kMinPartBytes + kLastPartBytes, 4);
  PITR_ASSIGN(const std::string upload_id, store_.BeginUpload(key, ctx_));
  auto parts = SendParts(key, upload_id, body);
  if (!parts.ok()) {
    (void)store_.AbortUpload(key, upload_id, ctx_);
    return parts.status();
  }
  if (store_.Stat(key, ctx_).ok()) return Wrong("an upload was visible before it was complete");
  PITR_TRY(store_.CompleteUpload(key, upload_id, parts.value(), ctx_));
  return ExpectContent(key, body);
}

Status StoreProbe::UploadToTakenKey() {
  const std::string key = Key("taken");
  const Bytes kept = Pattern(100, 5);
  PITR_TRY(store_.Create(key, kept, ctx_));
  PITR_ASSIGN(const std::string upload_id, store_.BeginUpload(key, ctx_));
  auto parts = SendParts(key, upload_id, Pattern(kMinPartBytes + kLastPartBytes, 6));
  const Status completed = parts.ok() ? store_.CompleteUpload(key, upload_id, parts.value(), ctx_) : parts.status();
  if (!completed.ok()) (void)store_.AbortUpload(key, upload_id, ctx_);
  if (completed.ok()) return Wrong("an upload was completed under a taken key");
  if (completed.code() != Code::kAlreadyExists) return completed;
  return ExpectContent(key, kept);
}

Status StoreProbe::AbortUpload() {
  const std::string key = Key("aborted");
  PITR_ASSIGN(const std::string upload_id, store_.BeginUpload(key, ctx_));
  auto part = store_.PutPart(key, upload_id, 1, 0, Pattern(kLastPartBytes, 7), ctx_);
  PITR_TRY(store_.AbortUpload(key, upload_id, ctx_));
  if (!part.ok()) return part.status();
  if (store_.Stat(key, ctx_).ok()) return Wrong("an aborted upload left an object");
  PITR_ASSIGN(const ListedUploads pending, ListUploadsIfAble(store_, prefix_, ctx_));
  for (const PendingUpload& upload : pending.uploads)
    if (upload.upload_id == upload_id) return Wrong("an aborted upload is still listed");
  uploads_refused_ = pending.refused;
  return Status::Ok();
}

// Uploads that nobody goes on with take room, and nothing that was stored depends on them.
void StoreProbe::CheckAbort() {
  if (!Add("abort an upload", "nothing is left", "Allow s3:AbortMultipartUpload.", [&] { return AbortUpload(); }) ||
      uploads_refused_.ok())
    return;
  rows_.back() = {"store: abort an upload", CheckState::kWarning,
                  "unfinished uploads are not listed: " + uploads_refused_.ToString(),
                  "What a killed process leaves of them stays: allow s3:ListBucketMultipartUploads if the store knows "
                  "it, and set a lifecycle rule that aborts incomplete multipart uploads."};
}

Status StoreProbe::DeleteAndLook() {
  PITR_TRY(store_.Delete(keys_, ctx_));
  // A missing object is success.
  PITR_TRY(store_.Delete({keys_.front()}, ctx_));
  PITR_ASSIGN(const ListPage left, store_.List(prefix_, "", ctx_));
  if (!left.objects.empty()) return Wrong("\"" + left.objects.front().key + "\" was deleted and is still listed");
  return Status::Ok();
}

// The objects above are all below one prefix.
void StoreProbe::CheckPrefixes() {
  std::vector<std::string> prefixes;
  for (const std::string_view prefix :
       {layout::kDataPrefix, layout::kWalPrefix, layout::kBackupPrefix, layout::kChangeMapPrefix,
        layout::kKeyringPrefix, layout::kTimelinePrefix, layout::kFailurePrefix, layout::kNumberPrefix,
        layout::kProofPrefix, layout::kSealPrefix})
    prefixes.emplace_back(prefix);
  const Status status = Guarded([&] { return store_.CheckPrefixes(prefixes, ctx_); });
  if (!status.ok()) rows_.push_back(FailedRow("store: every part of it", status));
}

// Credentials that may not delete are a choice, and nothing that was stored depends on it.
void StoreProbe::CheckDeletion() {
  const Status deleted = Guarded([&] { return DeleteAndLook(); });
  if (deleted.code() == Code::kPermission) {
    // The hint names the permission; the row's own says that it may be meant so.
    rows_.push_back(
        {"store: delete", CheckState::kWarning, deleted.ToString(),
         "Without it backups cannot expire, and what a cancelled backup leaves stays. With credentials that "
         "may only add, this is intended."});
    return;
  }
  Add("delete", "gone at once", "The store must forget what was deleted.", [&] { return deleted; });
  if (!deleted.ok()) CleanUp();
}

void StoreProbe::CleanUp() {
  if (!keys_.empty()) (void)store_.Delete(keys_, ctx_);
}

std::vector<CheckRow> StoreProbe::Run() {
  const std::string allow = "Allow this storage account to create, read, list and delete objects under the prefix.";
  if (!Add("create, never replace", "a taken key is refused, what is stored stays", allow,
           [&] { return CreateOnce(); })) {
    CleanUp();
    return rows_;
  }
  CheckRace();
  Add("read whole and in ranges", "sizes and bytes are right", allow, [&] { return ReadRanges(); });
  Add("absent objects", "reported as absent",
      "Allow listing the bucket (s3:ListBucket); without it absence cannot be told from refusal.",
      [&] { return AskForAbsent(); });
  Add("list", "complete and in order", allow, [&] { return ListInOrder(); });
  Add("upload in parts", "appears whole", allow, [&] { return UploadInParts(); });
  Add("upload to a taken key", "refused, what is stored stays", kBroken, [&] { return UploadToTakenKey(); });
  CheckAbort();
  CheckPrefixes();
  CheckDeletion();
  return rows_;
}

}  // namespace

std::vector<CheckRow> CheckStore(ObjectStore& store, const OpContext& ctx) { return StoreProbe(store, ctx).Run(); }

}  // namespace pitr
