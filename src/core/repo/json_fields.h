// Strict reading of small JSON documents (manifests, start objects) whose writer cannot be trusted: bounded depth,
// exact types, errors that name the field. Nothing here throws. One thread; borrows the document.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

// One JSON object. kCorruption: not JSON, nested too deeply, or not an object. `what` names the document in messages.
Result<nlohmann::json> ParseJsonObject(std::string_view text, std::string_view what);

// Text that may hold any bytes: a member "<name>" when it is UTF-8, else "<name>_hex".
void PutText(nlohmann::json& object, const std::string& name, std::string_view text);
// Compact text of a document; a string that is not UTF-8 is written with replacement characters.
std::string DumpJson(const nlohmann::json& document);

// Every getter is kCorruption, naming document and field, when a wanted field is missing or of another type or out of
// range.
class JsonFields {
 public:
  // `object` must be a JSON object.
  JsonFields(const nlohmann::json& object, std::string what) : object_(object), what_(std::move(what)) {}

  bool Has(const char* name) const { return object_.contains(name); }
  Status Text(const char* name, std::string& out) const;          // also as "<name>_hex"
  Status OptionalText(const char* name, std::string& out) const;  // absent: left as it is
  Status Unsigned(const char* name, uint64_t max, uint64_t& out) const;
  Status Unsigned32(const char* name, uint32_t& out) const;
  Status Signed(const char* name, int64_t& out) const;
  Status Bool(const char* name, bool& out) const;
  Status OptionalBool(const char* name, bool& out) const;
  // The member, which is an array or an object; null when it is absent.
  Result<const nlohmann::json*> OptionalArray(const char* name) const;
  Result<const nlohmann::json*> OptionalObject(const char* name) const;

  Status Missing(const char* name) const;
  Status Wrong(const char* name, std::string_view expected) const;

 private:
  const nlohmann::json& object_;
  std::string what_;
};

}  // namespace pitr
