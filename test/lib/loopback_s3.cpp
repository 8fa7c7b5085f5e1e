// See loopback_s3.h. Keys and upload ids go into XML as they are: those that the tests use have no markup in them.
#include "lib/loopback_s3.h"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/sha256.h"
#include "core/store/s3_time.h"
#include "core/store/sigv4.h"

namespace pitr::test {
namespace {

// The limits that S3 documents, written down here again: the driver's constants are what is tested.
constexpr size_t kLeastPartBytes = size_t{5} << 20;
constexpr uint64_t kMostParts = 10000;
constexpr uint64_t kPage = 1000;

constexpr char kXmlHead[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

std::string Element(const std::string& name, const std::string& text) {
  return "<" + name + ">" + text + "</" + name + ">";
}

ScriptStep Document(const std::string& root, const std::string& inside) {
  return {.reply_headers = {{"Content-Type", "application/xml"}}, .reply = kXmlHead + Element(root, inside)};
}

ScriptStep Error(int status, const std::string& code, const std::string& message) {
  ScriptStep step = Document("Error", Element("Code", code) + Element("Message", message));
  step.status = status;
  return step;
}

ScriptStep NoSuchUpload() { return Error(404, "NoSuchUpload", "The specified upload does not exist."); }
ScriptStep Taken() { return Error(412, "PreconditionFailed", "At least one of the preconditions did not hold."); }
ScriptStep MalformedXml() { return Error(400, "MalformedXML", "The XML is not what this operation takes."); }

ScriptStep Unforeseen(const SeenRequest& seen, const std::string& why) {
  ADD_FAILURE() << "loopback S3: " << seen.method << " " << seen.target << ": " << why;
  return Error(400, "InvalidRequest", why);
}

std::optional<uint64_t> ToNumber(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string HttpTime(int64_t micros) {
  const auto seconds = static_cast<time_t>(micros / 1000000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  return {text, strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

std::string EtagOf(const std::string& body) { return "\"" + Sha256Hex(AsBytes(body)).substr(0, 32) + "\""; }

std::map<std::string, std::string> ParseQuery(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    query[UrlDecode(pair.substr(0, equals)).value_or("?")] =
        UrlDecode(pair.substr(std::min(equals + 1, pair.size()))).value_or("?");
  }
  return query;
}

// "max-keys" and the like: at most a page, a page when it is not said.
uint64_t Limit(const std::string& text) { return std::min(ToNumber(text).value_or(kPage), kPage); }

// First and last byte of "bytes=5-9" or "bytes=5-".
std::optional<std::pair<uint64_t, uint64_t>> ParseRange(std::string_view text) {
  if (!text.starts_with("bytes=")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto first = ToNumber(text.substr(0, dash));
  const auto last = dash + 1 == text.size() ? UINT64_MAX : ToNumber(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

LoopbackS3::LoopbackS3(const std::string& bucket) : bucket_(bucket) {
  server_.Otherwise([this](const SeenRequest& seen) { return Answer(seen); });
}

void LoopbackS3::FailEvery(int n) {
  std::lock_guard lock(mutex_);
  fail_every_ = n;
}

int LoopbackS3::failed() const {
  std::lock_guard lock(mutex_);
  return failed_;
}

void LoopbackS3::Interfere(std::function<std::optional<Interference>(const SeenRequest&)> ask) {
  std::lock_guard lock(mutex_);
  ask_ = std::move(ask);
}

std::string LoopbackS3::LeaveOut(std::string listing, int which) {
  const std::string begin = "<Contents>", end = "</Contents>", count = "<KeyCount>";
  size_t at = which < 0 ? std::string::npos : listing.find(begin);
  for (; at != std::string::npos && which > 0; which--) at = listing.find(begin, at + 1);
  if (at == std::string::npos) return listing;
  listing.erase(at, listing.find(end, at) + end.size() - at);
  const size_t number = listing.find(count) + count.size();
  const size_t digits = listing.find('<', number) - number;
  return listing.replace(number, digits, std::to_string(std::stoi(listing.substr(number, digits)) - 1));
}

ScriptStep LoopbackS3::Answer(const SeenRequest& seen) {
  const bool whole = seen.Header("x-amz-content-sha256") == Sha256Hex(AsBytes(seen.body));
  std::lock_guard lock(mutex_);
  requests_++;
  Call call{seen, "LOOP" + std::to_string(requests_), "", {}};
  const bool fails = fail_every_ > 0 && requests_ % fail_every_ == 0;
  ScriptStep step;
  if (fails) failed_++;
  if (auto other = ask_ ? ask_(seen) : std::nullopt) {
    if (other->carry_out || other->truthful) step = CarryOut(call);
    if (!other->truthful) return other->answer;
    other->answer.status = step.status;
    other->answer.reply_headers = step.reply_headers;
    other->answer.reply = LeaveOut(step.reply, other->unlisted);
    return other->answer;
  }
  if (seen.Header("authorization").empty()) {
    step = Error(403, "AccessDenied", "The request is not signed.");
  } else if (!whole) {
    step = Error(400, "XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not that of the body.");
  } else if (!fails || failed_ % 2 == 0) {
    step = CarryOut(call);
  }
  if (fails) step = Error(503, "SlowDown", "Please reduce your request rate.");
  step.reply_headers.emplace_back("x-amz-request-id", call.request_id);
  // The error document names the request, too.
  const size_t end = step.status >= 400 ? step.reply.rfind("</Error>") : std::string::npos;
  if (end != std::string::npos) step.reply.insert(end, Element("RequestId", call.request_id));
  return step;
}

ScriptStep LoopbackS3::CarryOut(const Call& request) {
  Call call = request;
  const std::string& target = call.seen.target;
  const size_t question = std::min(target.find('?'), target.size());
  const auto path = UrlDecode(target.substr(0, question));
  call.query = ParseQuery(std::string_view(target).substr(std::min(question + 1, target.size())));
  if (!path) return Unforeseen(call.seen, "broken escape");
  const std::string bucket = "/" + bucket_ + "/";
  if (!path->starts_with(bucket)) return Error(404, "NoSuchBucket", "The specified bucket does not exist.");
  call.key = path->substr(bucket.size());
  return call.key.empty() ? OnBucket(call) : OnObject(call);
}

ScriptStep LoopbackS3::OnBucket(const Call& call) {
  const std::string& method = call.seen.method;
  if (method == "GET" && call.Query("list-type") == "2") return List(call);
  if (method == "GET" && call.Asks("uploads")) return ListUploads(call);
  if (method == "POST" && call.Asks("delete")) return DeleteMany(call);
  return Unforeseen(call.seen, "unknown operation on the bucket");
}

ScriptStep LoopbackS3::OnObject(const Call& call) {
  const std::string& method = call.seen.method;
  if (method == "POST" && call.Asks("uploads")) return BeginUpload(call);
  if (call.Asks("uploadId")) {
    if (method == "PUT") return PutPart(call);
    if (method == "POST") return CompleteUpload(call);
    if (method == "DELETE") return AbortUpload(call);
  } else if (call.Asks("retention") && method == "GET") {
    return Error(400, "InvalidRequest", "Bucket is missing Object Lock Configuration");
  } else if (call.query.empty()) {
    if (method == "PUT") return Put(call);
    if (method == "GET" || method == "HEAD") return Get(call);
    if (method == "DELETE") {
      objects_.erase(call.key);
      return {.status = 204};
    }
  }
  return Unforeseen(call.seen, "unknown operation on an object");
}

bool LoopbackS3::MayCreate(const Call& call) const {
  return call.seen.Header("if-none-match") != "*" || !objects_.contains(call.key);
}

ScriptStep LoopbackS3::Put(const Call& call) {
  if (!MayCreate(call)) return Taken();
  Object object{call.seen.body, EtagOf(call.seen.body), SystemClock().WallMicros()};
  ScriptStep step{.reply_headers = {{"ETag", object.etag}}};
  objects_[call.key] = std::move(object);
  return step;
}

ScriptStep LoopbackS3::Get(const Call& call) {
  const auto at = objects_.find(call.key);
  if (at == objects_.end()) return Error(404, "NoSuchKey", "The specified key does not exist.");
  const Object& object = at->second;
  ScriptStep step{.reply_headers = {{"ETag", object.etag},
                                    {"Last-Modified", HttpTime(object.modified_micros)},
                                    {"Accept-Ranges", "bytes"}}};
  const std::string range = call.seen.Header("range");
  if (call.seen.method == "HEAD") {
    if (!range.empty()) return Unforeseen(call.seen, "HEAD of a range");
    step.content_length = static_cast<long>(object.body.size());
    return step;
  }
  if (range.empty()) {
    step.reply = object.body;
    return step;
  }
  const auto bytes = ParseRange(range);
  if (!bytes) return Unforeseen(call.seen, "Range: " + range);
  const uint64_t size = object.body.size();
  if (bytes->first >= size) return Error(416, "InvalidRange", "The requested range is not satisfiable.");
  const uint64_t last = std::min(bytes->second, size - 1);
  step.status = 206;
  step.reply = object.body.substr(bytes->first, last - bytes->first + 1);
  step.reply_headers.emplace_back("Content-Range", "bytes " + std::to_string(bytes->first) + "-" +
                                                       std::to_string(last) + "/" + std::to_string(size));
  return step;
}

ScriptStep LoopbackS3::List(const Call& call) {
  const std::string prefix = call.Query("prefix");
  const bool encode = call.Query("encoding-type") == "url";
  const uint64_t limit = Limit(call.Query("max-keys"));
  std::string contents;
  uint64_t count = 0;
  bool truncated = false;
  // A map of strings is in byte order, as S3 lists. An object that is "" sorts before all; there is none.
  for (auto at = objects_.upper_bound(call.Query("start-after")); at != objects_.end(); ++at) {
    const auto& [key, object] = *at;
    if (!key.starts_with(prefix)) continue;
    truncated = count == limit;
    if (truncated) break;
    count++;
    contents += Element("Contents", Element("Key", encode ? UriEncode(key, true) : key) +
                                        Element("LastModified", FormatIsoTime(object.modified_micros)) +
                                        Element("Size", std::to_string(object.body.size())));
  }
  return Document("ListBucketResult", Element("Name", bucket_) + (encode ? Element("EncodingType", "url") : "") +
                                          Element("KeyCount", std::to_string(count)) +
                                          Element("MaxKeys", std::to_string(limit)) +
                                          Element("IsTruncated", truncated ? "true" : "false") + contents);
}

ScriptStep LoopbackS3::DeleteMany(const Call& call) {
  if (call.seen.Header("content-md5").empty())
    return Error(400, "InvalidRequest", "Missing required header for this request: Content-MD5");
  pugi::xml_document document;
  if (!document.load_string(call.seen.body.c_str())) return MalformedXml();
  const pugi::xml_node root = document.child("Delete");
  std::vector<std::string> keys;
  for (const pugi::xml_node node : root.children("Object")) keys.emplace_back(node.child("Key").text().get());
  if (keys.empty() || keys.size() > kPage) return MalformedXml();
  const bool quiet = root.child("Quiet").text().as_bool();
  std::string deleted;
  for (const std::string& key : keys) {
    objects_.erase(key);
    if (!quiet) deleted += Element("Deleted", Element("Key", key));
  }
  return Document("DeleteResult", deleted);
}

ScriptStep LoopbackS3::BeginUpload(const Call& call) {
  // With characters that have to be encoded wherever the id goes into a URL.
  const std::string id = "2~" + std::to_string(next_upload_++) + "/a+b=";
  uploads_[id] = {call.key, SystemClock().WallMicros(), {}};
  return Document("InitiateMultipartUploadResult",
                  Element("Bucket", bucket_) + Element("Key", call.key) + Element("UploadId", id));
}

LoopbackS3::Upload* LoopbackS3::FindUpload(const Call& call) {
  const auto at = uploads_.find(call.Query("uploadId"));
  return at == uploads_.end() || at->second.key != call.key ? nullptr : &at->second;
}

ScriptStep LoopbackS3::PutPart(const Call& call) {
  Upload* upload = FindUpload(call);
  if (upload == nullptr) return NoSuchUpload();
  const uint64_t number = ToNumber(call.Query("partNumber")).value_or(0);
  if (number < 1 || number > kMostParts)
    return Error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000.");
  Object part{call.seen.body, EtagOf(call.seen.body), 0};
  ScriptStep step{.reply_headers = {{"ETag", part.etag}}};
  upload->parts[static_cast<int>(number)] = std::move(part);
  return step;
}

ScriptStep LoopbackS3::CompleteUpload(const Call& call) {
  const Upload* upload = FindUpload(call);
  if (upload == nullptr) return NoSuchUpload();
  pugi::xml_document document;
  if (!document.load_string(call.seen.body.c_str())) return MalformedXml();
  Object object;
  int previous = 0;
  bool short_part = false;
  for (const pugi::xml_node node : document.child("CompleteMultipartUpload").children("Part")) {
    const int number = node.child("PartNumber").text().as_int();
    if (number <= previous) return Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
    previous = number;
    const auto part = upload->parts.find(number);
    if (part == upload->parts.end() || part->second.etag != node.child("ETag").text().get())
      return Error(400, "InvalidPart", "One or more of the specified parts could not be found.");
    if (short_part) return Error(400, "EntityTooSmall", "A part but the last is smaller than the minimum.");
    short_part = part->second.body.size() < kLeastPartBytes;
    object.body += part->second.body;
  }
  if (previous == 0) return MalformedXml();
  if (!MayCreate(call)) return Taken();
  object.etag = EtagOf(object.body);
  object.modified_micros = SystemClock().WallMicros();
  ScriptStep step = Document("CompleteMultipartUploadResult",
                             Element("Bucket", bucket_) + Element("Key", call.key) + Element("ETag", object.etag));
  objects_[call.key] = std::move(object);
  uploads_.erase(call.Query("uploadId"));
  return step;
}

ScriptStep LoopbackS3::AbortUpload(const Call& call) {
  if (FindUpload(call) == nullptr) return NoSuchUpload();
  uploads_.erase(call.Query("uploadId"));
  return {.status = 204};
}

ScriptStep LoopbackS3::ListUploads(const Call& call) {
  const std::string prefix = call.Query("prefix");
  const uint64_t limit = Limit(call.Query("max-uploads"));
  const std::pair marker(call.Query("key-marker"), call.Query("upload-id-marker"));
  std::map<std::pair<std::string, std::string>, int64_t> sorted;  // by key, then id
  for (const auto& [id, upload] : uploads_) {
    const bool after = marker.second.empty() ? upload.key > marker.first : std::pair(upload.key, id) > marker;
    if (upload.key.starts_with(prefix) && after) sorted[{upload.key, id}] = upload.initiated_micros;
  }
  std::string found;
  std::pair<std::string, std::string> last;
  uint64_t count = 0;
  for (const auto& [name, initiated_micros] : sorted) {
    if (count == limit) break;
    count++;
    last = name;
    found += Element("Upload", Element("Key", name.first) + Element("UploadId", name.second) +
                                   Element("Initiated", FormatIsoTime(initiated_micros)));
  }
  const bool truncated = count < sorted.size();
  if (truncated) found = Element("NextKeyMarker", last.first) + Element("NextUploadIdMarker", last.second) + found;
  return Document("ListMultipartUploadsResult", Element("Bucket", bucket_) +
                                                    Element("MaxUploads", std::to_string(limit)) +
                                                    Element("IsTruncated", truncated ? "true" : "false") + found);
}

}  // namespace pitr::test
