// Strict reading of small JSON documents (marker, manifests, results) whose writer cannot be trusted: exact types,
// errors that name document and field. Integers beyond 2^53 are stored as strings where a stranger's parser must not
// round them (system identifiers, checks). Nothing here throws. One thread; borrows the document.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/status.h"

namespace pitr {

// One JSON object (core/base/json.h). kCorruption: not JSON, nested too deeply, or not an object. `what` names the
// document in messages.
Result<Json> ParseJsonObject(std::string_view text, std::string_view what);

// Text that may hold any bytes: a member "<name>" when it is UTF-8, else "<name>_hex".
void PutText(Json& object, const std::string& name, std::string_view text);

// Every getter is kCorruption, naming document and field, when a wanted field is missing or of another type or out of
// range.
class JsonFields {
 public:
  // `object` must be a JSON object; `what` names the document.
  JsonFields(const Json& object, std::string what) : JsonFields(object, std::move(what), "") {}

  bool Has(const char* name) const { return object_->contains(name); }
  Status Text(const char* name, std::string& out) const;                // also as "<name>_hex"
  Status OptionalText(const char* name, std::string& out) const;        // absent: left as it is
  Status Texts(const char* name, std::vector<std::string>& out) const;  // an array of strings, appended
  Status Unsigned(const char* name, uint64_t max, uint64_t& out) const;
  Status Unsigned(const char* name, uint64_t& out) const { return Unsigned(name, UINT64_MAX, out); }
  Status Unsigned32(const char* name, uint32_t& out) const;
  Status UnsignedText(const char* name, uint64_t& out) const;  // a decimal number in a string
  Status Signed(const char* name, int64_t& out) const;
  Status Number(const char* name, double& out) const;
  Status Bool(const char* name, bool& out) const;
  Status OptionalBool(const char* name, bool& out) const;
  Result<JsonFields> Object(const char* name) const;
  Result<std::optional<JsonFields>> OptionalObject(const char* name) const;
  // Calls `each` with every object of an array.
  using Each = std::function<Status(const JsonFields&)>;
  Status EachObject(const char* name, const Each& each) const;
  Status OptionalEachObject(const char* name, const Each& each) const;

  Status Missing(const char* name) const;
  Status Wrong(const char* name, std::string_view expected) const;
  // For members whose names are not known before.
  const Json& json() const { return *object_; }

 private:
  JsonFields(const Json& object, std::string what, std::string path)
      : object_(&object), what_(std::move(what)), path_(std::move(path)) {}

  const Json* object_;
  std::string what_;
  std::string path_;  // of the object in the document, before the name of a field
};

}  // namespace pitr
