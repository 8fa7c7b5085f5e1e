#include "cli/help_page.h"

#include <memory>
#include <sstream>

#include "core/base/text_page.h"

namespace pitr::cli {
namespace {

constexpr size_t kNameColumns = 28;
constexpr size_t kWholeLine = 10000;
constexpr float kLeft = 2.0F / kNameColumns;  // where options begin, in widths of their column

// An argument has one name, that of what stands for it, here as in the manual, in documents and in errors; the parser's
// own name for it shows nowhere.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    return is_positional ? option->get_type_name() : CLI::Formatter::make_option_name(option, is_positional);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_positional()) return CLI::Formatter::make_option_opts(option);
    return option->get_required() ? " " + get_label("REQUIRED") : "";
  }
};

// From 2.5 on CLI11 breaks lines by itself, at widths of its own, and sets long options apart.
template <class Formatter>
void LeaveLinesWhole(Formatter& formatter) {
  if constexpr (requires { formatter.right_column_width(kWholeLine); }) formatter.right_column_width(kWholeLine);
  if constexpr (requires { formatter.description_paragraph_width(kWholeLine); })
    formatter.description_paragraph_width(kWholeLine);
  if constexpr (requires { formatter.footer_paragraph_width(kWholeLine); })
    formatter.footer_paragraph_width(kWholeLine);
  if constexpr (requires { formatter.enable_footer_formatting(false); }) formatter.enable_footer_formatting(false);
  if constexpr (requires { formatter.long_option_alignment_ratio(kLeft); })
    formatter.long_option_alignment_ratio(kLeft);
}

}  // namespace

void PrepareHelp(CLI::App& app) {
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(kNameColumns);
  LeaveLinesWhole(*formatter);
  app.formatter(formatter);
}

std::string HelpPage(const CLI::App& app, const CLI::ParseError& error, size_t width) {
  std::ostringstream out, ignored;
  app.exit(error, out, ignored);
  return WrapPage(out.str(), width);
}

}  // namespace pitr::cli
