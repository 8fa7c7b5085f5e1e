// Pages for people: tables and items, and how they fit a screen. Widths are columns of a terminal. Pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pitr {

inline constexpr size_t kUsualWidth = 80;
inline constexpr size_t kAnyWidth = SIZE_MAX;  // nothing is left out and nothing is broken

using TableRows = std::vector<std::vector<std::string>>;

// Columns aligned to their widest cell; the first row is the head and is underlined. Each line is indented.
std::string AlignTable(const TableRows& rows, int indent);
// The same where it fits into `width`; else of its columns only `needed`, in this order. Where these are too wide as
// well the last cell is broken between words, and a first one that is too long gets a line of its own.
std::string FitTable(const TableRows& rows, const std::vector<size_t>& needed, int indent, size_t width = kAnyWidth);

// "item:   value" lines, values aligned; a value of several lines is indented below itself. An item that is longer than
// three eighths of `width` gets a line of its own.
std::string AlignItems(const std::vector<std::pair<std::string, std::string>>& items, int indent,
                       size_t width = kAnyWidth);

// `text` with its longer lines broken between words, continued below the value of an item, or a little to the right of
// where the line began. Where a command is broken the line ends with a backslash, so that it can be pasted. A word that
// is longer than a line stays whole.
std::string WrapPage(const std::string& text, size_t width);

// The lines of a text, of which the last one may be ended or not.
std::vector<std::string> LinesOf(const std::string& text);

}  // namespace pitr
