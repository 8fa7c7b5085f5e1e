// See sigv4.h.
#include "core/store/sigv4.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "core/base/clock.h"
#include "core/base/letter_case.h"

namespace pitr {
namespace {

// Not isalnum(): a server process has a locale.
bool IsUnreserved(char c) { return IsLetterOrDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

// Header values are signed without outer blanks and with inner runs of blanks as one.
std::string Trimmed(std::string_view value) {
  std::string out;
  for (char c : value) {
    bool blank = c == ' ' || c == '\t';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out.push_back(blank ? ' ' : c);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string lines;  // "name:value\n" sorted by name
  std::string names;  // "a;b;c"
};

CanonicalHeaders Canonicalize(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : headers) sorted.emplace_back(LowerCase(name), Trimmed(value));
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CanonicalHeaders out;
  for (size_t i = 0; i < sorted.size(); i++) {
    if (i > 0 && sorted[i].first == sorted[i - 1].first) {  // repeated headers are joined by commas
      out.lines.back() = ',';
      out.lines += sorted[i].second + "\n";
      continue;
    }
    out.lines += sorted[i].first + ":" + sorted[i].second + "\n";
    if (!out.names.empty()) out.names += ';';
    out.names += sorted[i].first;
  }
  return out;
}

std::string ScopeText(const SigV4Scope& scope) {
  return AmzDate(scope.wall_micros).substr(0, 8) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

}  // namespace

std::string UriEncode(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + 16);
  for (char c : text) {
    if (IsUnreserved(c) || (keep_slash && c == '/')) {
      out.push_back(c);
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<std::string> UrlDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      auto byte = FromHex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out.push_back(static_cast<char>(byte->front()));
      i += 2;
    }
  }
  return out;
}

std::string CanonicalQuery(const QueryParams& query) {
  QueryParams encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(UriEncode(name, false), UriEncode(value, false));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string AmzDate(int64_t wall_micros) { return FormatUtc(wall_micros, "%Y%m%dT%H%M%SZ"); }

Sha256Digest SigningKeyCache::Key(const AwsCredentials& credentials, const SigV4Scope& scope) {
  std::string scope_text = ScopeText(scope);
  Sha256Digest wanted = HmacSha256(AsBytes(credentials.secret_access_key), AsBytes(scope_text));
  std::lock_guard lock(mutex_);
  if (wanted == for_) return key_;
  Sha256Digest key = HmacSha256(AsBytes("AWS4" + credentials.secret_access_key), AsBytes(scope_text.substr(0, 8)));
  key = HmacSha256(key, AsBytes(scope.region));
  key = HmacSha256(key, AsBytes(scope.service));
  key = HmacSha256(key, AsBytes("aws4_request"));
  for_ = wanted;
  key_ = key;
  return key;
}

std::string SignV4(const SigV4Request& request, const AwsCredentials& credentials, const SigV4Scope& scope,
                   SigningKeyCache* cache) {
  CanonicalHeaders headers = Canonicalize(request.headers);
  std::string canonical = request.method + "\n" + UriEncode(request.path, true) + "\n" + CanonicalQuery(request.query) +
                          "\n" + headers.lines + "\n" + headers.names + "\n" + request.payload_sha256;
  std::string scope_text = ScopeText(scope);
  std::string to_sign =
      "AWS4-HMAC-SHA256\n" + AmzDate(scope.wall_micros) + "\n" + scope_text + "\n" + Sha256Hex(AsBytes(canonical));
  std::string signature = ToHex(HmacSha256(cache->Key(credentials, scope), AsBytes(to_sign)));
  return "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" + scope_text +
         ", SignedHeaders=" + headers.names + ", Signature=" + signature;
}

}  // namespace pitr
