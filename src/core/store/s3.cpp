// See s3.h. Whole objects: create, read, look, list, delete. Uploads in parts are in s3_multipart.cpp.
#include "core/store/s3.h"

#include <algorithm>

#include "core/store/absence.h"
#include "core/store/s3_range.h"
#include "core/store/s3_store.h"
#include "core/store/s3_time.h"

namespace pitr {
namespace {

// Deleting one by one does the same, so whatever may mean that the store does not do it at once counts as that.
bool LacksBulkDelete(int http_status, const S3Error& error) {
  return LacksRequest(http_status, error) ||
         (http_status == 400 &&
          (error.code == "InvalidArgument" || error.code == "InvalidRequest" || error.code == "MalformedXML"));
}

bool HasBefore(const S3Listing& listing, const std::string& key) {
  return std::any_of(listing.objects.begin(), listing.objects.end(),
                     [&](const ObjectInfo& object) { return object.key < key; });
}

}  // namespace

std::string S3Store::Describe() const {
  const S3Config& config = client_.config();
  return "s3://" + config.bucket + (config.prefix.empty() ? "" : "/" + config.prefix);
}

HttpHeaders S3Store::CreationHeaders() const {
  const S3Config& config = client_.config();
  HttpHeaders headers;
  if (!config.storage_class.empty()) headers.emplace_back("x-amz-storage-class", config.storage_class);
  if (!config.sse.empty()) headers.emplace_back("x-amz-server-side-encryption", config.sse);
  if (!config.sse_kms_key_id.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", config.sse_kms_key_id);
  if (!config.tags.empty()) headers.emplace_back("x-amz-tagging", CanonicalQuery(config.tags));
  if (!config.object_lock_mode.empty()) {
    int64_t until = client_.clock().WallMicros() + int64_t{config.object_lock_days} * 86400 * 1000000;
    headers.emplace_back("x-amz-object-lock-mode", config.object_lock_mode);
    headers.emplace_back("x-amz-object-lock-retain-until-date", FormatIsoTime(until));
  }
  return headers;
}

S3Call S3Store::PutCall(const std::string& key, ByteView body, bool conditional) const {
  S3Call call{.method = "PUT",
              .key = key,
              .headers = CreationHeaders(),
              .body = body,
              .operation = Doing("store", key),
              .permission = "s3:PutObject",
              .resend = !conditional};
  call.headers.emplace_back("Content-Type", "application/octet-stream");
  if (conditional) call.headers.emplace_back("If-None-Match", "*");
  return call;
}

Status S3Store::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  bool conditional = client_.config().conditional_create;
  if (!conditional) PITR_TRY(CheckFree(key, ctx));
  PITR_ASSIGN(HttpResponse response, client_.Send(PutCall(key, body, conditional), nullptr, ctx));
  if (response.Header("etag").empty())
    return {Code::kUnavailable,
            "could not store \"" + key + "\": HTTP " + std::to_string(response.status) + " without an ETag"};
  return Status::Ok();
}

// An answer to HEAD has no body: a proxy's 404 looks like the store's. So absence is what a GET is told in S3's own
// words.
Status S3Store::CheckFree(const std::string& key, const OpContext& ctx) {
  PITR_ASSIGN(const bool there, IsThere(*this, key, ctx));
  return there ? Status(Code::kAlreadyExists, "could not store \"" + key + "\": it exists already") : Status::Ok();
}

Status S3Store::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  bool ranged = range.offset != 0 || range.length != UINT64_MAX;
  if (range.length != UINT64_MAX && range.length > UINT64_MAX - range.offset) return PastEnd(key, range);
  S3Call call{
      .method = "GET", .key = key, .operation = Doing("read", key), .permission = "s3:GetObject", .accept = {416}};
  if (range.length != 0) {
    if (ranged) call.headers.emplace_back("Range", "bytes=" + RangeText(range));
    uint64_t expected = UINT64_MAX;
    uint64_t received = 0;
    HttpSink into;
    into.begin = [&](const HttpResponse& response) -> Status {
      // Before anything of it is taken for a damaged object.
      if (IsWebPage(/*head=*/true, response.Header("content-type"), {}))
        return NotTheStore(call.operation, response.status);
      PITR_ASSIGN(expected, ExpectedBytes(key, range, ranged, response));
      return Status::Ok();
    };
    into.write = [&](ByteView bytes) -> Status {
      if (bytes.size() > expected - received)
        return {Code::kUnavailable, "could not read \"" + key + "\": answer is longer than announced"};
      received += bytes.size();
      return sink(bytes);
    };
    PITR_ASSIGN(HttpResponse response, client_.Send(call, &into, ctx));
    if (response.status != 416) {
      if (expected != UINT64_MAX && received != expected)
        return {Code::kUnavailable, "could not read \"" + key + "\": answer ended early"};
      return Status::Ok();
    }
  }
  if (range.length != 0) return PastEnd(key, range);
  // HTTP cannot say an empty range.
  PITR_ASSIGN(ObjectInfo info, Stat(key, ctx));
  return RangeLength(key, range, info.size).status();
}

Result<S3Store::Presence> S3Store::Head(const std::string& key, const OpContext& ctx) {
  S3Call call{.method = "HEAD",
              .key = key,
              .operation = Doing("examine", key),
              .permission = "s3:GetObject",
              .accept = {400, 401, 403, 404}};
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  if (response.status == 404) return Presence{};
  if (response.status >= 400) {
    Status why = ExplainHead(key, ctx);
    if (why.ok()) why = client_.Explain(call, response, {});
    return why;
  }
  auto length = ParseSize(response.Header("content-length"));
  if (!length) return Status(Code::kUnavailable, "could not examine \"" + key + "\": answer tells no size");
  return Presence{true, {key, *length, ParseHttpTime(response.Header("last-modified")).value_or(0)}};
}

Status S3Store::ExplainHead(const std::string& key, const OpContext& ctx) {
  S3Call call{.method = "GET",
              .key = key,
              .headers = {{"Range", "bytes=0-0"}},
              .operation = Doing("examine", key),
              .permission = "s3:GetObject",
              .accept = {416}};
  return client_.Send(call, nullptr, ctx).status();
}

Result<ObjectInfo> S3Store::Stat(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  PITR_ASSIGN(Presence presence, Head(key, ctx));
  if (presence.there) return presence.info;
  Status why = ExplainHead(key, ctx);
  if (why.ok())
    return Status(Code::kUnavailable, "could not examine \"" + key + "\": HEAD and GET disagree on whether it exists");
  return why;
}

std::string S3Store::RelativeKey(const std::string& full_key) const {
  const std::string& prefix = client_.config().prefix;
  std::string key = full_key;
  if (!prefix.empty()) {
    if (!key.starts_with(prefix + "/")) return {};
    key.erase(0, prefix.size() + 1);
  }
  return CheckKey(key).ok() ? key : std::string();
}

Result<ListPage> S3Store::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  std::string after = start_after.empty() ? "" : client_.FullKey(start_after);
  for (;;) {
    PITR_TRY(ctx.Check());
    PITR_ASSIGN(const S3Listing listing, ListAfter(prefix, after, ctx));
    ListPage page;
    page.more = listing.truncated;
    for (const ObjectInfo& object : listing.objects) {
      after = object.key;
      ObjectInfo own = object;
      own.key = RelativeKey(object.key);
      if (own.key.starts_with(prefix) && !own.key.empty()) page.objects.push_back(std::move(own));
    }
    // A page of other programs' objects only: the caller could not go on from an empty page.
    if (!page.objects.empty() || !page.more) return page;
  }
}

Result<S3Listing> S3Store::ListAfter(const std::string& prefix, const std::string& after, const OpContext& ctx) {
  const std::string doing = "could not " + Doing("list", prefix);
  std::string last, token;
  if (!ignores_start_after_.load(std::memory_order_relaxed)) {
    PITR_ASSIGN(S3Listing listing, ListOnce(prefix, after, token, ctx));
    if (!HasBefore(listing, after)) {
      PITR_TRY(CheckOrder(listing, &last).Annotate(doing));
      // Some begin with the key itself.
      std::erase_if(listing.objects, [&](const ObjectInfo& object) { return object.key == after; });
      if (!listing.objects.empty() || !listing.truncated) return listing;
    } else {
      ignores_start_after_.store(true, std::memory_order_relaxed);
    }
  }
  // The store does not begin where it should, or sorts otherwise: all from the beginning tells which.
  last.clear();
  for (;;) {
    PITR_TRY(ctx.Check());
    PITR_ASSIGN(S3Listing listing, ListOnce(prefix, "", token, ctx));
    PITR_TRY(CheckOrder(listing, &last).Annotate(doing));
    std::erase_if(listing.objects, [&](const ObjectInfo& object) { return object.key <= after; });
    if (!listing.objects.empty() || !listing.truncated) return listing;
    if (listing.next_token.empty() || listing.next_token == token)
      return Status(Code::kInvalidArgument, doing + ": the store does not go on behind a key")
          .WithDetail("It ignores start-after, and gives no continuation token.")
          .WithHint("This store cannot be used: a listing of more than a page would never end.");
    token = listing.next_token;
  }
}

Status S3Store::CheckOrder(const S3Listing& listing, std::string* last) {
  for (const ObjectInfo& object : listing.objects) {
    if (object.key <= *last)
      return Status(Code::kInvalidArgument, "the store does not list in byte order")
          .WithDetail("\"" + object.key + "\" follows \"" + *last + "\".")
          .WithHint("Use a store, or a type of bucket, that does; S3 Express directory buckets do not.");
    *last = object.key;
  }
  return Status::Ok();
}

Result<S3Listing> S3Store::ListOnce(const std::string& prefix, const std::string& after, const std::string& token,
                                    const OpContext& ctx) {
  S3Call call{.method = "GET",
              .query = {{"list-type", "2"},
                        {"prefix", client_.FullKey(prefix)},
                        {"encoding-type", "url"},
                        {"max-keys", std::to_string(kMaxListPage)}},
              .operation = Doing("list", prefix),
              .permission = "s3:ListBucket",
              .max_body_bytes = kMaxXmlBytes};
  if (!token.empty()) {
    call.query.emplace_back("continuation-token", token);
  } else if (!after.empty()) {
    call.query.emplace_back("start-after", after);
  }
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  auto parsed = ParseListing(response.body);
  if (!parsed.ok()) return std::move(parsed).status().Annotate("could not " + call.operation);
  if (parsed.value().truncated && parsed.value().objects.empty())
    return Status(Code::kUnavailable, "could not " + call.operation + ": an empty page that is not the last");
  return parsed;
}

Status S3Store::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  PITR_TRY(CheckDeleteBatch(keys));
  if (keys.size() > 1 && !no_bulk_delete_.load(std::memory_order_relaxed)) {
    PITR_ASSIGN(bool unsupported, DeleteMany(keys, ctx));
    if (!unsupported) return Status::Ok();
    no_bulk_delete_.store(true, std::memory_order_relaxed);
  }
  for (const std::string& key : keys) PITR_TRY(DeleteOne(key, ctx));
  return Status::Ok();
}

Status S3Store::DeleteOne(const std::string& key, const OpContext& ctx) {
  S3Call call{.method = "DELETE", .key = key, .operation = Doing("delete", key), .permission = "s3:DeleteObject"};
  Status status = client_.Send(call, nullptr, ctx).status();
  return status.code() == Code::kNotFound ? Status::Ok() : status;
}

Result<bool> S3Store::DeleteMany(const std::vector<std::string>& keys, const OpContext& ctx) {
  std::vector<std::string> full_keys;
  full_keys.reserve(keys.size());
  for (const std::string& key : keys) full_keys.push_back(client_.FullKey(key));
  std::string xml = DeleteRequestXml(full_keys);
  S3Call call{.method = "POST",
              .query = {{"delete", ""}},
              .headers = {{"Content-Type", "application/xml"}},
              .body = AsBytes(xml),
              .operation = "delete " + std::to_string(keys.size()) + " objects beginning with \"" + keys.front() + "\"",
              .permission = "s3:DeleteObject",
              .content_md5 = true,
              .max_body_bytes = kMaxXmlBytes,
              .accept_if = LacksBulkDelete};
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  if (response.status >= 400) return true;
  if (auto error = ParseS3Error(response.body)) return client_.Explain(call, response, *error);
  auto failed = ParseDeleteResult(response.body);
  if (!failed.ok()) return true;  // it did something else
  for (const S3Error& error : failed.value()) {
    if (error.code == "NoSuchKey") continue;
    std::string key = RelativeKey(error.key);
    call.operation = Doing("delete", key.empty() ? error.key : key);
    return client_.Explain(call, response, error);
  }
  return false;
}

Result<std::unique_ptr<ObjectStore>> OpenS3(const S3Config& config, const Clock& clock) {
  PITR_TRY(CheckS3Config(config));
  PITR_ASSIGN(S3Endpoint endpoint, ResolveS3Endpoint(config));
  CredentialsConfig credentials = config.credentials;
  credentials.region = config.region;
  credentials.proxy = config.proxy;
  credentials.ca_file = config.ca_file;
  credentials.instance_metadata = endpoint.aws;  // elsewhere the role of this machine means nothing
  return std::unique_ptr<ObjectStore>(
      std::make_unique<S3Store>(config, endpoint, MakeCredentialProvider(credentials, clock), clock));
}

}  // namespace pitr
