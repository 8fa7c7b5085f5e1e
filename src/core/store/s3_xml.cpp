// See s3_xml.h. Each call parses into a tree of its own that lives as long as the call.
#include "core/store/s3_xml.h"

#include <cstring>
#include <pugixml.hpp>

#include "core/store/s3_range.h"
#include "core/store/s3_time.h"

namespace pitr {
namespace {

Status Unusable(const char* what) {
  return {Code::kUnavailable, std::string("answer of the store is not a usable ") + what + " document"};
}

// Not every store has that request, and asking again changes nothing.
Status NoUploadList() {
  return Status(Code::kInvalidArgument, "the store does not list unfinished uploads")
      .WithDetail("What it answers is another document.");
}

// Stops at the first node that is nested too deeply. Iterative, as are pugixml's parser and its freeing.
class DepthCheck final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node&) override { return depth() < static_cast<int>(kMaxXmlDepth); }
};

const char* LocalName(const char* name) {
  const char* colon = std::strrchr(name, ':');
  return colon != nullptr ? colon + 1 : name;
}

bool Is(const pugi::xml_node& node, const char* name) { return std::strcmp(LocalName(node.name()), name) == 0; }

pugi::xml_node Child(const pugi::xml_node& node, const char* name) {
  for (pugi::xml_node child : node.children())
    if (Is(child, name)) return child;
  return {};
}

std::string Text(const pugi::xml_node& node, const char* name) { return Child(node, name).text().get(); }

// The root element of a document that is whole, or an empty node.
pugi::xml_node LoadAny(pugi::xml_document* document, std::string_view xml) {
  if (xml.empty() || xml.size() > kMaxXmlBytes) return {};
  if (!document->load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single,
                             pugi::encoding_utf8))
    return {};
  DepthCheck depth;
  return document->traverse(depth) ? document->document_element() : pugi::xml_node();
}

// The root element named `name`, or an empty node.
pugi::xml_node Load(pugi::xml_document* document, std::string_view xml, const char* name) {
  pugi::xml_node root = LoadAny(document, xml);
  return Is(root, name) ? root : pugi::xml_node();
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

S3Error ErrorFrom(const pugi::xml_node& node) {
  return {Text(node, "Code"), Text(node, "Message"), Text(node, "Key"), Text(node, "Region"), Text(node, "RequestId")};
}

}  // namespace

std::optional<S3Error> ParseS3Error(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "Error");
  if (!root) root = Child(Load(&document, xml, "ErrorResponse"), "Error");
  if (!root) return std::nullopt;
  S3Error error = ErrorFrom(root);
  if (error.code.empty()) return std::nullopt;
  return error;
}

Result<S3Listing> ParseListing(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "ListBucketResult");
  std::string truncated = Text(root, "IsTruncated");
  if (!root || (truncated != "true" && truncated != "false")) return Unusable("ListBucketResult");
  bool encoded = Text(root, "EncodingType") == "url";
  S3Listing listing;
  listing.truncated = truncated == "true";
  listing.next_token = Text(root, "NextContinuationToken");
  for (pugi::xml_node node : root.children()) {
    if (!Is(node, "Contents")) continue;
    std::optional<std::string> key = Text(node, "Key");
    if (encoded) key = UrlDecode(*key);
    auto size = ParseSize(Text(node, "Size"));
    if (!key || key->empty() || !size) return Unusable("ListBucketResult");
    listing.objects.push_back({*key, *size, ParseIsoTime(Text(node, "LastModified")).value_or(0)});
  }
  return listing;
}

Result<std::string> ParseInitiatedUpload(std::string_view xml) {
  pugi::xml_document document;
  std::string id = Text(Load(&document, xml, "InitiateMultipartUploadResult"), "UploadId");
  if (id.empty()) return Unusable("InitiateMultipartUploadResult");
  return id;
}

Status ParseCompletedUpload(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "CompleteMultipartUploadResult");
  // Ceph RGW leaves the ETag empty, some stores leave the key out.
  if (Text(root, "ETag").empty() && Text(root, "Key").empty()) return Unusable("CompleteMultipartUploadResult");
  return Status::Ok();
}

Result<S3Uploads> ParseUploads(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = LoadAny(&document, xml);
  // Cut, perhaps.
  if (!root && xml.find("ListMultipartUploadsResult") != xml.npos) return Unusable("ListMultipartUploadsResult");
  std::string truncated = Text(root, "IsTruncated");
  if (!Is(root, "ListMultipartUploadsResult") || (truncated != "true" && truncated != "false" && !truncated.empty()))
    return NoUploadList();
  bool encoded = Text(root, "EncodingType") == "url";
  S3Uploads uploads;
  uploads.truncated = truncated == "true";
  std::optional<std::string> marker = Text(root, "NextKeyMarker");
  if (encoded) marker = UrlDecode(*marker);
  if (!marker) return NoUploadList();
  uploads.next_key_marker = *marker;
  uploads.next_upload_id_marker = Text(root, "NextUploadIdMarker");
  for (pugi::xml_node node : root.children()) {
    if (!Is(node, "Upload")) continue;
    std::optional<std::string> key = Text(node, "Key");
    if (encoded) key = UrlDecode(*key);
    std::string id = Text(node, "UploadId");
    if (!key || key->empty() || id.empty()) return NoUploadList();
    uploads.uploads.push_back({*key, id, ParseIsoTime(Text(node, "Initiated")).value_or(0)});
  }
  return uploads;
}

Result<std::vector<S3Error>> ParseDeleteResult(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "DeleteResult");
  if (!root) return Unusable("DeleteResult");
  std::vector<S3Error> errors;
  for (pugi::xml_node node : root.children())
    if (Is(node, "Error")) errors.push_back(ErrorFrom(node));
  return errors;
}

Result<ObjectLock> ParseRetention(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "Retention");
  const auto until = ParseIsoTime(Text(root, "RetainUntilDate"));
  ObjectLock lock{Text(root, "Mode"), until.value_or(0)};
  if (lock.mode.empty() || !until) return Unusable("Retention");
  return lock;
}

Result<std::vector<S3LifecycleRule>> ParseLifecycle(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "LifecycleConfiguration");
  if (!root) return Unusable("LifecycleConfiguration");
  std::vector<S3LifecycleRule> rules;
  for (pugi::xml_node node : root.children()) {
    if (!Is(node, "Rule") || Text(node, "Status") != "Enabled") continue;
    S3LifecycleRule rule{.id = Text(node, "ID"), .prefix = Text(node, "Prefix")};
    const pugi::xml_node filter = Child(node, "Filter"), both = Child(filter, "And");
    if (rule.prefix.empty()) rule.prefix = Text(filter, "Prefix") + Text(both, "Prefix");
    rule.tagged = Child(filter, "Tag") || Child(both, "Tag");
    const pugi::xml_node expiration = Child(node, "Expiration");
    rule.expires = Child(expiration, "Days") || Child(expiration, "Date");
    for (pugi::xml_node move : node.children()) {
      const std::string to = Is(move, "Transition") ? Text(move, "StorageClass") : "";
      rule.archives = rule.archives || to == "GLACIER" || to == "DEEP_ARCHIVE";
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<AwsCredentials> ParseAssumedRole(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root = Load(&document, xml, "AssumeRoleWithWebIdentityResponse");
  pugi::xml_node node = Child(Child(root, "AssumeRoleWithWebIdentityResult"), "Credentials");
  AwsCredentials credentials{Text(node, "AccessKeyId"), Text(node, "SecretAccessKey"), Text(node, "SessionToken")};
  auto expires = ParseIsoTime(Text(node, "Expiration"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() || !expires)
    return Unusable("AssumeRoleWithWebIdentityResponse");
  credentials.expires_micros = *expires;
  return credentials;
}

std::string DeleteRequestXml(const std::vector<std::string>& full_keys) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
  for (const std::string& key : full_keys) xml += "<Object><Key>" + Escaped(key) + "</Key></Object>";
  return xml + "</Delete>";
}

std::string RetentionRequestXml(const ObjectLock& lock) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Retention "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>" +
         Escaped(lock.mode) + "</Mode><RetainUntilDate>" + FormatIsoTime(lock.until_micros) +
         "</RetainUntilDate></Retention>";
}

std::string CompleteRequestXml(const std::vector<UploadPart>& parts) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CompleteMultipartUpload "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const UploadPart& part : parts)
    xml += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>" + Escaped(part.etag) +
           "</ETag></Part>";
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace pitr
