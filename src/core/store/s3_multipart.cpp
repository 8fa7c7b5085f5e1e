// See s3.h and s3_store.h. Objects uploaded in parts.
#include "core/store/s3_store.h"

namespace pitr {

Result<std::string> S3Store::BeginUpload(const std::string& key, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  S3Call call{.method = "POST",
              .key = key,
              .query = {{"uploads", ""}},
              .headers = CreationHeaders(),
              .operation = Doing("begin the upload of", key),
              .permission = "s3:PutObject"};
  call.headers.emplace_back("Content-Type", "application/octet-stream");
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  if (auto error = ParseS3Error(response.body)) return client_.Explain(call, response, *error);
  auto id = ParseInitiatedUpload(response.body);
  if (!id.ok()) return std::move(id).status().Annotate("could not " + call.operation);
  return id;
}

Result<UploadPart> S3Store::PutPart(const std::string& key, const std::string& upload_id, int number,
                                    uint64_t /*offset*/, ByteView body, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  if (number < 1 || number > kMaxUploadParts)
    return Status(Code::kInvalidArgument, "could not upload \"" + key + "\": it would need too many parts");
  S3Call call{.method = "PUT",
              .key = key,
              .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id}},
              .body = body,
              .operation = "upload part " + std::to_string(number) + " of \"" + key + "\"",
              .permission = "s3:PutObject",
              .part_number = number};
  PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
  std::string etag(response.Header("etag"));
  if (etag.empty())
    return Status(Code::kUnavailable,
                  "could not " + call.operation + ": HTTP " + std::to_string(response.status) + " without an ETag");
  return UploadPart{number, etag};
}

Status S3Store::CompleteUpload(const std::string& key, const std::string& upload_id,
                               const std::vector<UploadPart>& parts, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  if (parts.empty())
    return {Code::kInvalidArgument, "could not complete the upload of \"" + key + "\": it has no parts"};
  for (size_t i = 1; i < parts.size(); i++)
    if (parts[i].number <= parts[i - 1].number)
      return {Code::kInvalidArgument, "could not complete the upload of \"" + key + "\": its parts are not in order"};
  bool conditional = client_.config().conditional_create;
  // Looked for even where creation is conditional: several stores honour the condition on PUT only.
  if (!conditional) {
    PITR_TRY(CheckFree(key, ctx));
  } else if (auto presence = Head(key, ctx); presence.ok() && presence.value().there) {
    return {Code::kAlreadyExists, "could not complete the upload of \"" + key + "\": it exists already"};
  } else if (!presence.ok() && presence.code() != Code::kPermission) {
    return std::move(presence).status();
  }
  std::string xml = CompleteRequestXml(parts);
  S3Call call{.method = "POST",
              .key = key,
              .query = {{"uploadId", upload_id}},
              .headers = {{"Content-Type", "application/xml"}},
              .body = AsBytes(xml),
              .operation = Doing("complete the upload of", key),
              .permission = "s3:PutObject",
              .resend = false};
  S3Call guarded = call;
  if (conditional) {
    guarded.headers.emplace_back("If-None-Match", "*");
    guarded.accept_if = LacksCondition;
  }
  PITR_ASSIGN(HttpResponse response, client_.Send(guarded, nullptr, ctx));
  const S3Error error = ParseS3Error(response.body).value_or(S3Error());
  if (!conditional || !LacksCondition(response.status, error)) return Completed(guarded, response);
  // A store that takes the condition on PUT only.
  PITR_TRY(CheckFree(key, ctx));
  PITR_ASSIGN(response, client_.Send(call, nullptr, ctx));
  return Completed(call, response);
}

Status S3Store::Completed(const S3Call& call, const HttpResponse& response) const {
  // S3 answers 200 before it is done and may then say that it failed.
  if (auto error = ParseS3Error(response.body)) return client_.Explain(call, response, *error);
  Status done = ParseCompletedUpload(response.body);
  if (!done.ok()) return std::move(done).Annotate("could not " + call.operation);
  return Status::Ok();
}

Status S3Store::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  PITR_TRY(CheckKey(key));
  S3Call call{.method = "DELETE",
              .key = key,
              .query = {{"uploadId", upload_id}},
              .operation = Doing("abort the upload of", key),
              .permission = "s3:AbortMultipartUpload"};
  Status status = client_.Send(call, nullptr, ctx).status();
  return status.code() == Code::kNotFound ? Status::Ok() : status;
}

Result<std::vector<PendingUpload>> S3Store::ListUploads(const std::string& prefix, const OpContext& ctx) {
  std::vector<PendingUpload> found;
  std::string key_marker;
  std::string upload_id_marker;
  for (;;) {
    PITR_TRY(ctx.Check());
    S3Call call{
        .method = "GET",
        .query = {{"uploads", ""}, {"prefix", client_.FullKey(prefix)}, {"max-uploads", std::to_string(kMaxListPage)}},
        .operation = Doing("list unfinished uploads under", prefix),
        .permission = "s3:ListBucketMultipartUploads",
        .max_body_bytes = kMaxXmlBytes};
    if (!key_marker.empty()) call.query.emplace_back("key-marker", key_marker);
    if (!upload_id_marker.empty()) call.query.emplace_back("upload-id-marker", upload_id_marker);
    PITR_ASSIGN(HttpResponse response, client_.Send(call, nullptr, ctx));
    auto parsed = ParseUploads(response.body);
    if (!parsed.ok()) return std::move(parsed).status().Annotate("could not " + call.operation);
    S3Uploads& page = parsed.value();
    for (PendingUpload& upload : page.uploads) {
      upload.key = RelativeKey(upload.key);
      if (!upload.key.empty() && found.size() < kMaxListPage) found.push_back(std::move(upload));
    }
    bool stuck = page.next_key_marker == key_marker && page.next_upload_id_marker == upload_id_marker;
    if (!page.truncated || !found.empty() || stuck) return found;
    key_marker = page.next_key_marker;
    upload_id_marker = page.next_upload_id_marker;
  }
}

}  // namespace pitr
