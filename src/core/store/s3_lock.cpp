// See s3.h and s3_store.h. Object Lock, and what a bucket does with objects by itself.
#include <algorithm>

#include "core/store/s3.h"
#include "core/store/s3_store.h"

namespace pitr {
namespace {

constexpr int64_t kSecondMicros = 1000000;

// What servers without Object Lock, buckets without it and objects without a lock are told apart by.
bool SaysNoLock(const S3Error& error, int http_status) {
  return error.code == "NoSuchObjectLockConfiguration" || error.code == "ObjectLockConfigurationNotFoundError" ||
         error.code == "InvalidRequest" || error.code == "NotImplemented" || error.code == "MethodNotAllowed" ||
         http_status == 405 || http_status == 501;
}

}  // namespace

// An answer that says "stored" or finds an object is about durable ones.
Status S3Store::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  for (const std::string& key : keys) PITR_TRY(CheckKey(key));
  return ctx.Check();
}

Result<std::optional<ObjectLock>> S3Store::GetLock(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  S3Call call{.method = "GET",
              .key = key,
              .query = {{"retention", ""}},
              .operation = Doing("read the lock of", key),
              .permission = "s3:GetObjectRetention",
              .max_body_bytes = kMaxXmlBytes,
              .accept = {400, 404, 405, 501}};
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  if (response.status >= 400) {
    const S3Error error = ParseS3Error(response.body).value_or(S3Error());
    if (SaysNoLock(error, response.status)) return std::optional<ObjectLock>();
    return client_.Explain(call, response, error);
  }
  // A store that knows no locks may not look at the question and give the object, which is no XML.
  if (!response.body.starts_with('<')) return std::optional<ObjectLock>();
  auto lock = ParseRetention(response.body);
  if (!lock.ok()) return std::move(lock).status().Annotate("could not " + call.operation);
  return std::optional<ObjectLock>(std::move(lock).value());
}

Status S3Store::ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) {
  PITR_ASSIGN(const std::optional<ObjectLock> now, GetLock(key, ctx));
  // The store counts in seconds.
  ObjectLock wanted = lock;
  wanted.until_micros = (lock.until_micros + kSecondMicros - 1) / kSecondMicros * kSecondMicros;
  if (now && now->until_micros >= lock.until_micros) return Status::Ok();
  // A mode cannot be made weaker.
  if (now && now->mode == "COMPLIANCE") wanted.mode = now->mode;
  const std::string xml = RetentionRequestXml(wanted);
  S3Call call{.method = "PUT",
              .key = key,
              .query = {{"retention", ""}},
              .headers = {{"Content-Type", "application/xml"}},
              .body = AsBytes(xml),
              .operation = Doing("extend the lock of", key),
              .permission = "s3:PutObjectRetention",
              .content_md5 = true};
  return client_.Send(call, nullptr, ctx).status();
}

Result<std::vector<S3LifecycleRule>> S3Store::LifecycleRules(const OpContext& ctx) {
  S3Call call{.method = "GET",
              .query = {{"lifecycle", ""}},
              .operation = "read the lifecycle rules of bucket \"" + client_.config().bucket + "\"",
              .permission = "s3:GetLifecycleConfiguration",
              .max_body_bytes = kMaxXmlBytes,
              .accept = {404, 405, 501}};
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  if (response.status >= 400) {
    const S3Error error = ParseS3Error(response.body).value_or(S3Error());
    if (error.code == "NoSuchLifecycleConfiguration" || response.status != 404) return std::vector<S3LifecycleRule>();
    return client_.Explain(call, response, error);
  }
  auto rules = ParseLifecycle(response.body);
  if (!rules.ok()) return std::move(rules).status().Annotate("could not " + call.operation);
  return rules;
}

Result<std::vector<S3LifecycleRule>> ReadLifecycleRules(const S3Config& config, const Clock& clock,
                                                        const OpContext& ctx) {
  PITR_ASSIGN(const auto store, OpenS3(config, clock));
  return static_cast<S3Store&>(*store).LifecycleRules(ctx);
}

}  // namespace pitr
