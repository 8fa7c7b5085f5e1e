// See s3_client.h.
#include "core/store/s3_client.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "core/store/s3_time.h"

namespace pitr {
namespace {

// RFC 1864, or "" where OpenSSL has no MD5 (FIPS mode).
std::string ContentMd5(ByteView body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(body.data(), body.size(), digest, &length, EVP_md5(), nullptr) != 1) return {};
  unsigned char text[EVP_MAX_MD_SIZE * 2];
  int written = EVP_EncodeBlock(text, digest, static_cast<int>(length));
  return std::string(reinterpret_cast<char*>(text), static_cast<size_t>(written));
}

HttpSettings TransportOf(const S3Config& config) {
  return {.ca_file = config.ca_file,
          .verify_tls = config.verify_tls,
          .proxy = config.proxy,
          .connect_timeout_ms = config.connect_timeout_ms,
          .stall_timeout_ms = config.stall_timeout_ms};
}

// By name of a header, of what a user may have set and a store may not have.
constexpr std::pair<std::string_view, const char*> kAskedBy[] = {
    {"x-amz-storage-class", "s3_storage_class"},
    {"x-amz-server-side-encryption", "s3_sse"},
    {"x-amz-server-side-encryption-aws-kms-key-id", "s3_sse_kms_key_id"},
    {"x-amz-tagging", "s3_object_tags"},
    {"x-amz-object-lock-mode", "s3_object_lock_mode"}};

std::string SettingsIn(const HttpHeaders& headers) {
  std::string settings;
  for (const auto& [header, value] : headers)
    for (const auto& [name, setting] : kAskedBy)
      if (header == name) settings += (settings.empty() ? "" : ", ") + std::string(setting);
  return settings;
}

}  // namespace

S3Client::S3Client(S3Config config, S3Endpoint endpoint, std::unique_ptr<CredentialProvider> credentials,
                   const Clock& clock)
    : config_(std::move(config)),
      endpoint_(std::move(endpoint)),
      credentials_(std::move(credentials)),
      clock_(clock),
      http_(TransportOf(config_)),
      md5_on_put_(config_.content_md5 || !config_.object_lock_mode.empty()) {}

std::string S3Client::FullKey(const std::string& key) const {
  return config_.prefix.empty() ? key : config_.prefix + "/" + key;
}

HttpHeaders S3Client::SignedHeaders(const S3Call& call, const std::string& path, const AwsCredentials& credentials,
                                    bool with_md5) {
  SigV4Scope scope{config_.region, "s3", clock_.WallMicros()};
  SigV4Request to_sign{call.method, path, call.query, call.headers, Sha256Hex(call.body)};
  HttpHeaders& headers = to_sign.headers;
  if (with_md5) {
    std::string md5 = ContentMd5(call.body);
    if (!md5.empty()) headers.emplace_back("Content-MD5", md5);
  }
  if (config_.requester_pays) headers.emplace_back("x-amz-request-payer", "requester");
  if (!credentials.session_token.empty()) headers.emplace_back("x-amz-security-token", credentials.session_token);
  headers.emplace_back("x-amz-content-sha256", to_sign.payload_sha256);
  headers.emplace_back("x-amz-date", AmzDate(scope.wall_micros));
  headers.emplace_back("Host", endpoint_.host_header);
  std::string authorization = SignV4(to_sign, credentials, scope, &signing_keys_);
  headers.emplace_back("Authorization", std::move(authorization));
  return std::move(headers);
}

Result<HttpResponse> S3Client::Send(const S3Call& call, const HttpSink* sink, const OpContext& ctx) {
  auto credentials = credentials_->Get(ctx);
  if (!credentials.ok()) return std::move(credentials).status();
  Remember(credentials.value());
  std::string path = endpoint_.path + "/" + (call.key.empty() ? "" : FullKey(call.key));
  HttpRequest request;
  request.method = call.method;
  request.url = endpoint_.origin + UriEncode(path, true);
  if (!call.query.empty()) request.url += "?" + CanonicalQuery(call.query);
  std::atomic<bool>* md5_required = call.method == "PUT"    ? &md5_on_put_
                                    : call.method == "POST" ? &md5_on_post_
                                                            : nullptr;
  const bool with_md5 = call.content_md5 || (md5_required != nullptr && *md5_required);
  request.headers = SignedHeaders(call, path, credentials.value(), with_md5);
  request.body = call.body;
  request.operation = call.operation;
  request.max_body_bytes = call.max_body_bytes;
  request.resend = call.resend;
  PITR_ASSIGN(HttpResponse response, http_.Do(request, sink, ctx));
  bool good = response.status >= 200 && response.status < 300;
  if (good) {
    std::lock_guard lock(used_mutex_);
    worked_micros_[call.permission] = clock_.WallMicros();
  }
  if (good && sink == nullptr && IsWebPage(call.method == "HEAD", response.Header("content-type"), response.body))
    return NotTheStore(call.operation, response.status);
  if (good || std::find(call.accept.begin(), call.accept.end(), response.status) != call.accept.end()) return response;
  const S3Error error = ParseS3Error(response.body).value_or(S3Error());
  if (call.accept_if != nullptr && call.accept_if(response.status, error)) return response;
  Status failed = Explain(call, response, error);
  if (IsExpiredCredentials(error) && credentials_->Invalidate(credentials.value(), ctx))
    return std::move(failed).As(Code::kUnavailable);
  // Object Lock by the bucket's default: only the store knows. Say "again"; from now on the header is sent.
  if (md5_required != nullptr && !with_md5 && AsksForMd5(error)) {
    *md5_required = true;
    return std::move(failed).As(Code::kUnavailable);
  }
  return failed;
}

void S3Client::Remember(const AwsCredentials& credentials) {
  std::lock_guard lock(used_mutex_);
  used_token_ = !credentials.session_token.empty();
  used_ = "access key \"" + credentials.access_key_id + "\" of " + credentials.source;
}

Status S3Client::Explain(const S3Call& call, const HttpResponse& response, const S3Error& error) const {
  S3Failure failure{.operation = call.operation,
                    .permission = call.permission,
                    .bucket = config_.bucket,
                    .region = config_.region,
                    .settings = SettingsIn(call.headers),
                    .http_status = response.status,
                    .object_lock = !config_.object_lock_mode.empty(),
                    .part_number = call.part_number,
                    .error = error};
  {
    std::lock_guard lock(used_mutex_);
    failure.credentials = used_;
    if (used_token_) failure.settings += (failure.settings.empty() ? "" : ", ") + std::string("the session token");
    const auto worked = worked_micros_.find(call.permission);
    if (worked != worked_micros_.end()) failure.worked_until = FormatIsoTime(worked->second);
  }
  if (failure.error.request_id.empty()) failure.error.request_id = response.Header("x-amz-request-id");
  if (failure.error.region.empty()) failure.error.region = response.Header("x-amz-bucket-region");
  return ToStatus(failure);
}

}  // namespace pitr
