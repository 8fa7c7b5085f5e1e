#include "server/encoding.h"

#include <algorithm>
#include <optional>
#include <vector>

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
}

namespace pitr::server {
namespace {

bool IsAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

const unsigned char* BytesOf(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// The length of the UTF-8 character at `at`; 0 when there is none.
size_t CharacterAt(const std::string& text, size_t at) {
  const auto length = static_cast<size_t>(pg_utf_mblen(BytesOf(text) + at));
  if (text[at] == '\0' || at + length > text.size()) return 0;
  return pg_utf8_islegal(BytesOf(text) + at, static_cast<int>(length)) ? length : 0;
}

// Every byte that belongs to no UTF-8 character as "\xe9".
std::string ShowBytes(const std::string& text) {
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    if (const size_t length = CharacterAt(text, at); length != 0) {
      shown.append(text, at, length);
      at += length;
      continue;
    }
    char byte[8];
    std::snprintf(byte, sizeof byte, "\\x%02x", static_cast<unsigned char>(text[at++]));
    shown += byte;
  }
  return shown;
}

// What of `text`, from `at` on, can be converted is appended to `out`; the number of bytes that was.
size_t ConvertFrom(const std::string& text, size_t at, Oid procedure, int from, int to, std::string& out) {
  const int length = static_cast<int>(text.size() - at);
  std::vector<unsigned char> buffer(static_cast<size_t>(length) * MAX_CONVERSION_GROWTH + 1);
  // The server's signature is not const.
  auto* source = const_cast<unsigned char*>(BytesOf(text)) + at;
  unsigned char* target = buffer.data();
  const int room = static_cast<int>(buffer.size());
  const int done =
      PgCall([=] { return pg_do_encoding_conversion_buf(procedure, from, to, source, length, target, room, true); });
  out += reinterpret_cast<const char*>(target);
  return static_cast<size_t>(done);
}

Oid FindConversion(int from, int to) {
  if (!IsTransactionState()) return InvalidOid;
  return PgCall([=] { return FindDefaultConversionProc(from, to); });
}

template <size_t N>
void Convert(char (&text)[N], std::string (*how)(const std::string&)) {
  if (std::all_of(text, text + strlen(text), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return;
  const std::string converted = how(text);
  // Not cut within a character of several bytes: what is cut is made whole again by the reader's "\x..".
  std::snprintf(text, N, "%s", converted.c_str());
}

void ConvertAll(PlainError& error, std::string (*how)(const std::string&)) noexcept {
  try {
    Convert(error.message, how);
    Convert(error.detail, how);
    Convert(error.hint, how);
  } catch (...) { /* a message in the wrong encoding is better than none */
  }
}

}  // namespace

std::string ToServerEncoding(const std::string& text) {
  if (IsAscii(text)) return text;
  std::string shown = ShowBytes(text);
  const int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII) return shown;
  const Oid procedure = FindConversion(PG_UTF8, encoding);
  std::string out;
  for (size_t at = 0; at < shown.size();) {
    if (OidIsValid(procedure)) at += ConvertFrom(shown, at, procedure, PG_UTF8, encoding, out);
    while (!OidIsValid(procedure) && at < shown.size() && static_cast<unsigned char>(shown[at]) < 0x80)
      out += shown[at++];
    if (at == shown.size()) break;
    at += CharacterAt(shown, at);
    out += '?';
  }
  return out;
}

namespace {

// Nullopt when it cannot be read.
std::optional<std::string> ReadServerText(const std::string& text) {
  const int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
    return ShowBytes(text) == text ? std::optional(text) : std::nullopt;
  const Oid procedure = FindConversion(encoding, PG_UTF8);
  std::string out;
  if (!OidIsValid(procedure) || ConvertFrom(text, 0, procedure, encoding, PG_UTF8, out) != text.size())
    return std::nullopt;
  return out;
}

}  // namespace

std::string ShowServerText(const std::string& text) {
  return IsAscii(text) ? text : ReadServerText(text).value_or(ShowBytes(text));
}

std::string FromServerEncoding(const std::string& text) {
  if (IsAscii(text)) return text;
  if (auto read = ReadServerText(text)) return *read;
  RaiseFromCpp(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, "the text cannot be read as UTF-8: " + ShowBytes(text),
               std::string("The encoding of this database is ") + GetDatabaseEncodingName() + ".",
               GetDatabaseEncoding() == PG_SQL_ASCII
                   ? "SQL_ASCII takes any bytes; pg_pitr stores text as UTF-8, so write it so."
                   : "");
}

void ToServerEncoding(PlainError& error) noexcept { ConvertAll(error, ToServerEncoding); }

void FromServerEncoding(PlainError& error) noexcept { ConvertAll(error, ShowServerText); }

}  // namespace pitr::server
