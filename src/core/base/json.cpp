#include "core/base/json.h"

#include <utility>
#include <vector>

#include "core/base/ascii.h"

namespace pitr {
namespace {

// Builds the value, and gives up as soon as it is nested too deeply. By the interface that the library documents: its
// own builder is private, and not the same class in each version. Of a name that occurs twice in one object the last
// value counts, as everywhere in the library.
class BoundedSax final : public nlohmann::json_sax<Json> {
 public:
  explicit BoundedSax(Json& into) : root_(into) {}

  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(Json::number_integer_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(Json::number_unsigned_t value) override { return Add(value) != nullptr; }
  bool number_float(Json::number_float_t value, const std::string&) override { return Add(value) != nullptr; }
  bool string(std::string& value) override { return Add(std::move(value)) != nullptr; }
  bool binary(Json::binary_t&) override { return false; }  // text has none
  bool start_object(std::size_t) override { return Enter(Json::value_t::object); }
  bool key(std::string& name) override {
    value_ = &(*open_.back())[std::move(name)];
    return true;
  }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(Json::value_t::array); }
  bool end_array() override { return Leave(); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    position_ = position;
    return false;
  }

  std::size_t position() const { return position_; }
  bool too_deep() const { return too_deep_; }

 private:
  // Puts a value where the next one belongs: the whole text, the end of an array, or what key() made.
  Json* Add(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
    return &(*value_ = std::move(value));
  }
  bool Enter(Json::value_t type) {
    too_deep_ = open_.size() == static_cast<size_t>(kMaxJsonDepth);
    if (!too_deep_) open_.push_back(Add(type));
    return !too_deep_;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }

  Json& root_;
  std::vector<Json*> open_;  // from the outermost in; only the last one grows, so that none of them moves
  Json* value_ = nullptr;
  std::size_t position_ = 0;
  bool too_deep_ = false;
};

}  // namespace

Result<Json> ParseJson(std::string_view text) {
  // The parser would pass over a byte order mark, which RFC 8259 forbids to write.
  if (text.starts_with(kByteOrderMark)) return Status(Code::kCorruption, "not valid JSON at byte 0");
  // The parser takes a NUL for the end of the text, whatever follows it.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    return Status(Code::kCorruption, "not valid JSON at byte " + std::to_string(nul));
  Json json;
  BoundedSax sax(json);
  if (Json::sax_parse(text.begin(), text.end(), &sax)) return json;
  if (sax.too_deep()) return Status(Code::kCorruption, "JSON is nested too deeply");
  return Status(Code::kCorruption, "not valid JSON at byte " + std::to_string(sax.position()));
}

std::string JsonText(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace pitr
