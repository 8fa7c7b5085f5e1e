#include "core/base/json.h"

#include "core/base/ascii.h"

namespace pitr {
namespace {

// Builds the value, and gives up as soon as it is nested too deeply.
class BoundedSax final : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  explicit BoundedSax(Json& into) : json_sax_dom_parser(into, false) {}
  bool start_object(std::size_t n) { return Enter() && json_sax_dom_parser::start_object(n); }
  bool start_array(std::size_t n) { return Enter() && json_sax_dom_parser::start_array(n); }
  bool end_object() { return --depth_, json_sax_dom_parser::end_object(); }
  bool end_array() { return --depth_, json_sax_dom_parser::end_array(); }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string& token, const Exception& error) {
    position_ = position;
    return json_sax_dom_parser::parse_error(position, token, error);
  }
  std::size_t position() const { return position_; }
  bool too_deep() const { return depth_ > kMaxJsonDepth; }

 private:
  bool Enter() { return ++depth_ <= kMaxJsonDepth; }
  int depth_ = 0;
  std::size_t position_ = 0;
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
