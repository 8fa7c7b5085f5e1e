// See s3_config.h. Bucket names are checked loosely: stores other than AWS allow more than AWS does.
#include "core/store/s3_config.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "core/store/object_store.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

constexpr size_t kMaxPrefixBytes = 256;
constexpr size_t kMaxTags = 10;  // S3's limit

Status Bad(const std::string& what, const std::string& hint = "") {
  return Status(Code::kInvalidArgument, what).WithHint(hint);
}

bool IsBucketName(const std::string& name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!IsLetterOrDigit(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-' || c == '.' || c == '_'; });
}

bool IsPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool IsAwsHost(std::string_view host) {
  return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") || host == "amazonaws.com";
}

}  // namespace

Result<S3Config> ParseS3Url(const std::string& url) {
  PITR_ASSIGN(const StoreUrl named, ParseStoreUrl(url));
  if (!named.s3()) return Bad("invalid S3 URL \"" + url + "\"", "Write s3://bucket/prefix.");
  S3Config config;
  config.bucket = named.bucket;
  config.prefix = named.prefix;
  if (!IsBucketName(config.bucket))
    return Bad("invalid S3 URL \"" + url + "\": \"" + config.bucket + "\" is not a bucket name",
               "Write s3://bucket/prefix; a server other than AWS goes into s3_endpoint.");
  PITR_TRY(CheckS3Config(config));
  return config;
}

Result<S3Addressing> ParseS3Addressing(const std::string& text) {
  if (text.empty() || text == "auto") return S3Addressing::kAuto;
  if (text == "path") return S3Addressing::kPath;
  if (text == "virtual") return S3Addressing::kVirtualHost;
  return Bad("invalid S3 addressing \"" + text + "\"", "Use auto, path or virtual.");
}

Result<std::vector<std::pair<std::string, std::string>>> ParseS3Tags(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find('&', start), text.size());
    std::string pair = text.substr(start, end - start);
    size_t equals = pair.find('=');
    auto name = UrlDecode(pair.substr(0, equals));
    auto value = equals == pair.npos ? std::nullopt : UrlDecode(pair.substr(equals + 1));
    if (!name || !value || name->empty())
      return Bad("invalid S3 object tags \"" + text + "\"", "Write name=value&name2=value2.");
    tags.emplace_back(*name, *value);
    start = end + 1;
  }
  return tags;
}

Status CheckS3Config(const S3Config& config) {
  if (!IsBucketName(config.bucket)) return Bad("\"" + config.bucket + "\" is not a bucket name");
  if (!config.prefix.empty() && !CheckKey(config.prefix).ok())
    return Bad("invalid prefix \"" + config.prefix + "\" of the S3 URL",
               "It may have letters and digits of ASCII and . _ = + - in parts between slashes, none of them empty, "
               "\".\" or \"..\".");
  if (config.prefix.size() > kMaxPrefixBytes)
    return Bad("prefix of the S3 URL is longer than " + std::to_string(kMaxPrefixBytes) + " bytes");
  if (config.region.empty() || !IsPrintable(config.region) || config.region.find('/') != std::string::npos)
    return Bad("invalid S3 region \"" + config.region + "\"");
  if (!config.sse.empty() && config.sse != "AES256" && config.sse != "aws:kms")
    return Bad("invalid S3 server-side encryption \"" + config.sse + "\"", "Use AES256 or aws:kms.");
  if (!config.sse_kms_key_id.empty() && config.sse != "aws:kms")
    return Bad("an S3 KMS key is set without server-side encryption aws:kms");
  if (!config.object_lock_mode.empty() && config.object_lock_mode != "GOVERNANCE" &&
      config.object_lock_mode != "COMPLIANCE")
    return Bad("invalid S3 Object Lock mode \"" + config.object_lock_mode + "\"", "Use GOVERNANCE or COMPLIANCE.");
  if (!config.object_lock_mode.empty() && config.object_lock_days <= 0)
    return Bad("S3 Object Lock needs a number of days to retain");
  if (config.tags.size() > kMaxTags) return Bad("more than 10 S3 object tags");
  if (!IsPrintable(config.storage_class) || !IsPrintable(config.sse_kms_key_id))
    return Bad("S3 storage class or KMS key has a character that is not allowed");
  if (config.connect_timeout_ms <= 0 || config.stall_timeout_ms <= 0) return Bad("S3 timeouts must be positive");
  return ResolveS3Endpoint(config).status();
}

Result<S3Endpoint> ResolveS3Endpoint(const S3Config& config) {
  S3Endpoint endpoint;
  std::string scheme = "https";
  std::string authority = config.endpoint;
  if (authority.empty()) {
    authority = "s3." + config.region + (config.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  } else if (size_t at = authority.find("://"); at != std::string::npos) {
    scheme = authority.substr(0, at);
    authority.erase(0, at + 3);
  }
  while (!authority.empty() && authority.back() == '/') authority.pop_back();
  if ((scheme != "http" && scheme != "https") || authority.empty() || !IsPrintable(authority) ||
      authority.find_first_of("/?#@\\") != std::string::npos)
    return Bad("invalid S3 endpoint \"" + config.endpoint + "\"",
               "Write host, host:port or https://host:port, without a path.");
  // The port is what follows the last colon outside the brackets of an IPv6 address.
  size_t colon = authority.rfind(':');
  if (colon != std::string::npos && authority.find(']', colon) != std::string::npos) colon = std::string::npos;
  std::string port = colon == std::string::npos ? "" : authority.substr(colon + 1);
  std::string host = authority.substr(0, colon);
  bool digits = std::all_of(port.begin(), port.end(), IsDigit);
  if (colon != std::string::npos && (port.empty() || port.size() > 5 || !digits))
    return Bad("invalid port in S3 endpoint \"" + config.endpoint + "\"");
  if (port == (scheme == "https" ? "443" : "80")) port.clear();
  endpoint.aws = IsAwsHost(host);
  bool virtual_host =
      config.addressing == S3Addressing::kVirtualHost ||
      (config.addressing == S3Addressing::kAuto && endpoint.aws && config.bucket.find('.') == std::string::npos);
  if (virtual_host) {
    host = config.bucket + "." + host;
  } else {
    endpoint.path = "/" + config.bucket;
  }
  endpoint.host_header = port.empty() ? host : host + ":" + port;
  endpoint.origin = scheme + "://" + endpoint.host_header;
  return endpoint;
}

}  // namespace pitr
