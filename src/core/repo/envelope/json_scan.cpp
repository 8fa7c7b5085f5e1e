#include "core/repo/envelope/json_scan.h"

#include <charconv>
#include <cstring>

#include "core/base/ascii.h"

namespace pitr {
namespace {

// Length of the UTF-8 sequence at `p` of at most `left` bytes; 0 when it is not one. Table 3-7 of the Unicode standard.
size_t Utf8Length(const uint8_t* p, size_t left) {
  const uint8_t b = p[0];
  if (b < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (b >= 0xC2 && b <= 0xDF) {
    length = 2;
  } else if (b >= 0xE0 && b <= 0xEF) {
    length = 3;
    if (b == 0xE0) low = 0xA0;
    if (b == 0xED) high = 0x9F;
  } else if (b >= 0xF0 && b <= 0xF4) {
    length = 4;
    if (b == 0xF0) low = 0x90;
    if (b == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (left < length || p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < length; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  return length;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

template <class T>
void AppendInteger(T value, std::string& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

}  // namespace

bool IsUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(p + i, text.size() - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void AppendDecimal(uint64_t value, std::string& out) { AppendInteger(value, out); }
void AppendDecimal(int64_t value, std::string& out) { AppendInteger(value, out); }

void AppendJsonString(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto b = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (b < 0x20 || b == 0x7F) {
      out.append("\\u00");
      out.push_back(kDigits[b >> 4]);
      out.push_back(kDigits[b & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void JsonScanner::SkipSpace() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) at_++;
}

bool JsonScanner::Consume(char c) {
  SkipSpace();
  if (at_ == end_ || *at_ != c) return false;
  at_++;
  return true;
}

bool JsonScanner::AtEnd() {
  SkipSpace();
  return at_ == end_;
}

bool JsonScanner::Hex4(uint32_t& out) {
  if (end_ - at_ < 4) return false;
  const auto parsed = std::from_chars(at_, at_ + 4, out, 16);
  if (parsed.ec != std::errc() || parsed.ptr != at_ + 4) return false;
  at_ += 4;
  return true;
}

bool JsonScanner::Escape(std::string& out) {
  if (at_ == end_) return false;
  static constexpr std::string_view kFrom = "\"\\/bfnrt";
  static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  const char c = *at_++;
  if (c != 'u') {
    const size_t i = kFrom.find(c);
    if (i == std::string_view::npos) return false;
    out.push_back(kTo[i]);
    return true;
  }
  uint32_t code = 0;
  if (!Hex4(code)) return false;
  if (code >= 0xDC00 && code <= 0xDFFF) return false;
  if (code >= 0xD800 && code <= 0xDBFF) {
    uint32_t low = 0;
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
    at_ += 2;
    if (!Hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  AppendUtf8(code, out);
  return true;
}

bool JsonScanner::String(std::string& out) {
  out.clear();
  if (!Consume('"')) return false;
  while (at_ < end_) {
    const char* from = at_;
    while (at_ < end_ && static_cast<uint8_t>(*at_) >= 0x20 && static_cast<uint8_t>(*at_) < 0x80 && *at_ != '"' &&
           *at_ != '\\')
      at_++;
    out.append(from, at_);
    if (at_ == end_) return false;
    const char c = *at_;
    if (c == '"') {
      at_++;
      return true;
    }
    if (c == '\\') {
      at_++;
      if (!Escape(out)) return false;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      return false;
    } else {
      const size_t length = Utf8Length(reinterpret_cast<const uint8_t*>(at_), end_ - at_);
      if (length == 0) return false;
      out.append(at_, length);
      at_ += length;
    }
  }
  return false;
}

bool JsonScanner::Unsigned(uint64_t& out) {
  SkipSpace();
  if (at_ == end_ || !IsDigit(*at_)) return false;
  if (*at_ == '0' && end_ - at_ > 1 && IsDigit(at_[1])) return false;
  const auto parsed = std::from_chars(at_, end_, out);
  if (parsed.ec != std::errc()) return false;
  at_ = parsed.ptr;
  return at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
}

bool JsonScanner::Signed(int64_t& out) {
  SkipSpace();
  const bool negative = at_ < end_ && *at_ == '-';
  if (negative) at_++;
  if (at_ == end_ || !IsDigit(*at_)) return false;
  uint64_t magnitude = 0;
  if (!Unsigned(magnitude) || magnitude > uint64_t{INT64_MAX}) return false;
  out = negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
  return true;
}

bool JsonScanner::Literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) return false;
  at_ += word.size();
  return true;
}

bool JsonScanner::SkipNumber() {
  if (at_ < end_ && *at_ == '-') at_++;
  if (at_ == end_ || !IsDigit(*at_)) return false;
  if (*at_ == '0') {
    at_++;
  } else {
    while (at_ < end_ && IsDigit(*at_)) at_++;
  }
  if (at_ < end_ && *at_ == '.') {
    at_++;
    if (at_ == end_ || !IsDigit(*at_)) return false;
    while (at_ < end_ && IsDigit(*at_)) at_++;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    at_++;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) at_++;
    if (at_ == end_ || !IsDigit(*at_)) return false;
    while (at_ < end_ && IsDigit(*at_)) at_++;
  }
  return true;
}

bool JsonScanner::SkipValue(int depth) {
  SkipSpace();
  if (at_ == end_ || depth > kMaxDepth) return false;
  std::string ignored;
  switch (*at_) {
    case '"':
      return String(ignored);
    case 't':
      return Literal("true");
    case 'f':
      return Literal("false");
    case 'n':
      return Literal("null");
    case '[':
      at_++;
      if (Consume(']')) return true;
      do {
        if (!SkipValue(depth + 1)) return false;
      } while (Consume(','));
      return Consume(']');
    case '{':
      at_++;
      if (Consume('}')) return true;
      do {
        if (!String(ignored) || !Consume(':') || !SkipValue(depth + 1)) return false;
      } while (Consume(','));
      return Consume('}');
    default:
      return SkipNumber();
  }
}

}  // namespace pitr
