#include "core/base/text_page.h"

#include <algorithm>
#include <string_view>

#include "core/base/line_pieces.h"

namespace pitr {
namespace {

constexpr size_t kGap = 2;             // between columns
constexpr size_t kLeastLastCell = 16;  // a last column that is broken is not narrower
constexpr size_t kLeastFirstCell = 8;
constexpr std::string_view kContinued = " \\";
constexpr size_t kDeepIndent = 8;  // a line that begins so far to the right is a part of something above it

// Columns on a terminal: characters, not bytes, and without what gives them a colour.
size_t Width(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      i = std::min(text.find('m', i), text.size());
    else if ((text[i] & 0xC0) != 0x80)
      ++width;
  }
  return width;
}

std::string Spaces(size_t count) { return std::string(count, ' '); }

size_t LongestPiece(const std::vector<LinePiece>& pieces) {
  size_t longest = 0;
  for (const LinePiece& piece : pieces) longest = std::max(longest, Width(piece.text));
  return longest;
}

// Lines of at most `first` columns, and `rest` from the second on, as far as pieces allow. One that ends in a command
// says so.
std::vector<std::string> BreakPieces(const std::vector<LinePiece>& pieces, size_t first, size_t rest) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool goes_on = i + 1 < pieces.size() && pieces[i + 1].in_command;
    const size_t width = lines.size() <= 1 ? first : rest, ending = goes_on ? kContinued.size() : 0;
    if (!lines.empty() && Width(lines.back()) + 1 + Width(pieces[i].text) + ending <= width) {
      lines.back() += " " + pieces[i].text;
      continue;
    }
    if (!lines.empty() && pieces[i].in_command) lines.back() += kContinued;
    lines.push_back(pieces[i].text);
  }
  return lines;
}

std::vector<size_t> ColumnWidths(const TableRows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  return widths;
}

size_t TableWidth(const std::vector<size_t>& widths, size_t indent) {
  size_t width = indent;
  for (size_t i = 0; i < widths.size(); ++i) width += widths[i] + (i == 0 ? 0 : kGap);
  return width;
}

// A row as one line or more. A first cell that is wider than its column has one for itself.
std::string RowText(const std::vector<std::string>& row, const std::vector<size_t>& widths, size_t indent) {
  std::string text, line = Spaces(indent);
  size_t column = indent;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i + 1 < row.size() || widths[i] >= Width(row[i])) {
      line += row[i];
      if (i == 0 && Width(row[i]) > widths[i]) {
        text += line + "\n";
        line = Spaces(indent + widths[i] + kGap);
      } else if (i + 1 < row.size()) {
        line += Spaces(widths[i] - Width(row[i]) + kGap);
      }
      column += widths[i] + kGap;
      continue;
    }
    for (const std::string& part : BreakPieces(LinePieces(row[i]), widths[i], widths[i])) {
      text += line + part + "\n";
      line = Spaces(column);
    }
    return text;
  }
  return text + line + "\n";
}

std::string TableText(const TableRows& rows, const std::vector<size_t>& widths, size_t indent) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += RowText(rows[i], widths, indent);
    if (i > 0) continue;
    text += Spaces(indent);
    for (size_t column = 0; column < widths.size(); ++column)
      text += std::string(widths[column], '-') + (column + 1 < widths.size() ? Spaces(kGap) : "");
    text += "\n";
  }
  return text;
}

// Where the text of a line begins that is broken, in bytes: behind its item, if it has one.
size_t TextBegin(const std::string& line, size_t indent, size_t width) {
  const size_t gap = line.find("  ", indent);
  if (gap == std::string::npos) return indent;
  const size_t value = line.find_first_not_of(' ', gap);
  return value != std::string::npos && Width(line.substr(0, value)) <= width / 2 ? value : indent;
}

std::string WrapLine(const std::string& line, size_t width) {
  const size_t indent = line.find_first_not_of(' ');
  if (Width(line) <= width || indent == std::string::npos) return line;
  const size_t begin = TextBegin(line, indent, width), column = Width(line.substr(0, begin));
  const std::vector<LinePiece> pieces = LinePieces(line.substr(begin));
  const auto room = [&](size_t from) { return width > from + kLeastLastCell ? width - from : kLeastLastCell; };
  std::string text = line.substr(0, begin);
  size_t first = column, rest = column;
  if (begin > indent && column + LongestPiece(pieces) > width) {
    // Too long for the column of values: it begins below its item.
    first = rest = indent + 4;
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n" + Spaces(first);
  } else if (pieces.back().in_command &&
             std::all_of(pieces.begin() + 1, pieces.end(), [](const LinePiece& piece) { return piece.in_command; })) {
    rest += 4;
  } else if (begin == indent && indent > 0 && indent < kDeepIndent) {
    rest += 2;
  }
  const std::vector<std::string> lines = BreakPieces(pieces, room(first), room(rest));
  for (size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\n" + Spaces(rest)) + lines[i];
  return text;
}

}  // namespace

std::string AlignTable(const TableRows& rows, int indent) {
  return TableText(rows, ColumnWidths(rows), static_cast<size_t>(indent));
}

std::string FitTable(const TableRows& rows, const std::vector<size_t>& needed, int indent, size_t width) {
  const auto margin = static_cast<size_t>(indent);
  if (TableWidth(ColumnWidths(rows), margin) <= width) return AlignTable(rows, indent);
  TableRows fewer;
  for (const auto& row : rows) {
    fewer.emplace_back();
    for (const size_t column : needed) fewer.back().push_back(row[column]);
  }
  std::vector<size_t> widths = ColumnWidths(fewer);
  const auto narrow = [&](size_t& column, size_t least) {
    const size_t all = TableWidth(widths, margin);
    if (all <= width) return;
    column = std::max(std::min(column, least), column - std::min(column, all - width));
  };
  size_t longest_word = 0;
  for (const auto& row : fewer) longest_word = std::max(longest_word, LongestPiece(LinePieces(row.back())));
  narrow(widths.back(), std::max(kLeastLastCell, longest_word));
  narrow(widths.front(), std::max(kLeastFirstCell, Width(fewer.front().front())));
  return TableText(fewer, widths, margin);
}

std::string AlignItems(const std::vector<std::pair<std::string, std::string>>& items, int indent, size_t width) {
  const size_t longest = width / 8 * 3;
  size_t widest = 0;
  for (const auto& item : items)
    if (Width(item.first) <= longest) widest = std::max(widest, Width(item.first));
  std::string text;
  const std::string margin = Spaces(static_cast<size_t>(indent));
  for (const auto& [item, value] : items) {
    const std::string next = margin + Spaces(widest + kGap);
    std::string line = margin + item;
    line += Width(item) > widest ? "\n" + next : Spaces(widest - Width(item) + kGap);
    for (const char c : value) {
      line += c;
      if (c == '\n') line += next;
    }
    text += line + "\n";
  }
  return text;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::string WrapPage(const std::string& text, size_t width) {
  std::string wrapped;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    wrapped += WrapLine(text.substr(from, end - from), width);
    if (end < text.size()) wrapped += '\n';
    from = end + 1;
  }
  return wrapped;
}

}  // namespace pitr
