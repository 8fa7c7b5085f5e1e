#include "cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "core/base/text_page.h"

namespace pitr::cli {
namespace {

constexpr size_t kLeastColumns = 20, kMostColumns = 100000;

}  // namespace

size_t ScreenColumns(FILE* out) {
  if (const char* value = getenv("COLUMNS")) {
    const std::string_view text(value);
    size_t columns = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (end.ec == std::errc() && end.ptr == text.data() + text.size() && columns >= kLeastColumns &&
        columns <= kMostColumns)
      return columns;
  }
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= kLeastColumns) return size.ws_col;
  return kUsualWidth;
}

bool IsTerminal(FILE* out) { return isatty(fileno(out)) != 0; }

bool MayColour(FILE* out) {
  // https://no-color.org: present and not empty.
  const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
  if (refused != nullptr && *refused != '\0') return false;
  return terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb" && IsTerminal(out);
}

}  // namespace pitr::cli
