// What a store, or somebody in its place, may answer: XML documents, times, credentials, escapes.
#include <cstdlib>
#include <string>

#include "core/base/bytes.h"
#include "core/store/credentials_file.h"
#include "core/store/credentials_remote.h"
#include "core/store/s3_errors.h"
#include "core/store/s3_range.h"
#include "core/store/s3_time.h"
#include "core/store/s3_xml.h"
#include "core/store/sigv4.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(s3_xml)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view xml = AsText({data, size});
  if (const auto error = ParseS3Error(xml)) {
    for (const int http_status : {200, 301, 400, 403, 404, 412, 503}) {
      S3Failure failure{.operation = "look", .bucket = "b", .region = "r", .http_status = http_status, .error = *error};
      const Status status = ToStatus(failure);
      // "Not found" is what deletes and ends recoveries: only the store's own word for it will do.
      if (status.ok()) abort();
      if (status.code() == Code::kNotFound && error->code != "NoSuchKey" && error->code != "NoSuchUpload") abort();
    }
  }
  if (const auto listing = ParseListing(xml); listing.ok())
    for (const ObjectInfo& object : listing.value().objects) (void)CheckKey(object.key);
  if (const auto upload = ParseInitiatedUpload(xml); upload.ok() && upload.value().empty()) abort();
  (void)ParseCompletedUpload(xml);
  (void)ParseUploads(xml);
  (void)ParseDeleteResult(xml);
  if (const auto lock = ParseRetention(xml); lock.ok() && lock.value().mode.empty()) abort();
  if (const auto rules = ParseLifecycle(xml); rules.ok())
    for (const S3LifecycleRule& rule : rules.value())
      if (!rule.expires && !rule.archives) abort();
  if (const auto role = ParseAssumedRole(xml); role.ok() && role.value().access_key_id.empty()) abort();
  return 0;
}

// The head of an answer, line by line as the network hands it on, and what is concluded from it. The first byte chooses
// which bytes were asked for; what follows an empty line is the body.
PITR_FUZZ_TARGET(http_answer)(const uint8_t* data, size_t size) {
  using namespace pitr;
  if (size < 1) return 0;
  static constexpr ByteRange kRanges[] = {{}, {0, 1}, {5, 5}, {5, UINT64_MAX}, {0, uint64_t{1} << 63}};
  const ByteRange range = kRanges[data[0] % std::size(kRanges)];
  const bool ranged = range.offset != 0 || range.length != UINT64_MAX;
  std::string_view text = AsText({data + 1, size - 1});
  HttpResponse response;
  for (bool head = true; head && !text.empty();) {
    const std::string_view line = text.substr(0, text.find('\n') + 1);
    head = !line.empty() && line != "\r\n" && line != "\n";
    const std::string_view taken = line.empty() ? text : line;
    TakeHeaderLine(taken, response);
    text.remove_prefix(taken.size());
  }
  if (response.status < 0 || response.status > 999) abort();
  for (const auto& [name, value] : response.headers)
    if (name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ:") != name.npos || value.ends_with('\n')) abort();
  const auto expected = ExpectedBytes("k", range, ranged, response);
  if (expected.ok() && response.status != (ranged ? 206 : 200)) abort();
  if (expected.ok() && range.length != UINT64_MAX && expected.value() != range.length) abort();
  (void)ParseHttpTime(response.Header("last-modified"));
  for (const bool is_head : {false, true}) (void)IsWebPage(is_head, response.Header("content-type"), text);
  return 0;
}

PITR_FUZZ_TARGET(store_times)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view text = AsText({data, size});
  if (const auto micros = ParseIsoTime(text);
      micros && ParseIsoTime(FormatIsoTime(*micros)).value_or(0) / 1000000 != *micros / 1000000)
    abort();
  (void)ParseHttpTime(text);
  const auto decoded = UrlDecode(text);
  if (decoded && UrlDecode(UriEncode(*decoded, false)) != decoded) abort();
  return 0;
}

PITR_FUZZ_TARGET(credentials)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view text = AsText({data, size});
  const auto json = ParseCredentialsJson(text);
  if (json.ok() && (json.value().access_key_id.empty() || json.value().secret_access_key.empty())) abort();
  for (const char* profile : {"", "default", "backup"}) {
    const auto file = ParseCredentialsFile(text, profile);
    if (file.ok() && (file.value().access_key_id.empty() || file.value().secret_access_key.empty())) abort();
  }
  return 0;
}
