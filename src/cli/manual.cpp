#include "cli/manual.h"

#include <algorithm>

#include "cli/actions.h"
#include "cli/settings_path.h"
#include "core/base/letter_case.h"
#include "core/base/text_page.h"
#include "core/base/version.h"

namespace pitr::cli {
namespace {

// As text of a page: nothing of it is a request or an escape, and what is typed can be copied.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) switch (c) {
      case '\\':
        escaped += "\\e";
        break;
      case '-':
        escaped += "\\-";
        break;
      case '\'':
        escaped += "\\(aq";
        break;
      case '"':
        escaped += "\\(dq";
        break;
      case '`':
        escaped += "\\(ga";
        break;
      case '^':
        escaped += "\\(ha";
        break;
      case '~':
        escaped += "\\(ti";
        break;
      default:
        escaped += c;
    }
  return escaped.starts_with('.') ? "\\&" + escaped : escaped;
}

// Paragraphs are filled; indented lines stay as they are.
std::string Prose(const std::string& text) {
  std::string page;
  bool kept = false;
  for (const std::string& line : LinesOf(text)) {
    const bool indented = line.starts_with(' ');
    if (kept && !indented) page += ".fi\n.RE\n";
    if (!kept && indented) page += ".RS 2\n.nf\n";
    const size_t begin = line.find_first_not_of(' ');
    if (line.empty())
      page += page.empty() || page.ends_with(".PP\n") ? "" : ".PP\n";
    else
      page += Escaped(indented ? line.substr(std::min(begin, size_t{2})) : line) + "\n";
    kept = indented;
  }
  if (kept) page += ".fi\n.RE\n";
  while (page.ends_with(".PP\n")) page.erase(page.size() - 4);
  return page;
}

std::string Item(const std::string& head, const std::string& description) {
  return ".TP\n" + head + "\n" + (description.empty() ? "\\&\n" : Prose(description));
}

std::string OptionItem(const CLI::Option& option) {
  std::string head;
  const std::string type = option.get_type_size() > 0 || option.get_positional() ? option.get_type_name() : "";
  const std::string value = "\\fI" + Escaped(type) + "\\fR";
  if (option.get_positional() && option.get_lnames().empty()) {
    head = value;
  } else {
    for (const std::string& name : option.get_snames()) head += "\\fB\\-" + Escaped(name) + "\\fR, ";
    for (const std::string& name : option.get_lnames()) head += "\\fB\\-\\-" + Escaped(name) + "\\fR, ";
    head.erase(head.size() - 2);
    if (!type.empty()) head += " " + value;
  }
  return Item(head, option.get_description());
}

// Arguments, then options by their groups.
std::string Options(const CLI::App& verb) {
  std::string positionals;
  std::vector<std::string> groups;
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional()) positionals += OptionItem(*option);
    const std::string& group = option->get_group();
    if (!option->get_lnames().empty() && !group.empty() &&
        std::find(groups.begin(), groups.end(), group) == groups.end())
      groups.push_back(group);
  }
  std::string page = positionals.empty() ? "" : ".SH ARGUMENTS\n" + positionals;
  if (!groups.empty()) page += ".SH OPTIONS\n";
  for (const std::string& group : groups) {
    if (groups.size() > 1 && group != groups.front()) page += ".SS \"" + Escaped(group) + "\"\n";
    for (const CLI::Option* option : verb.get_options())
      if (option->get_group() == group && !option->get_lnames().empty()) page += OptionItem(*option);
  }
  return page;
}

std::string Synopsis(const CLI::App& verb, const std::string& called) {
  std::string line = "\\fB" + Escaped(called) + "\\fR";
  if (!ActionsOf(verb).empty()) line += verb.get_parent() == nullptr ? " \\fIVERB\\fR" : " \\fIACTION\\fR";
  line += " [\\fIOPTIONS\\fR]";
  for (const CLI::Option* option : verb.get_options())
    if (option->get_positional())
      line += " \\fI" + Escaped(option->get_type_name()) + "\\fR" + (option->get_items_expected_max() > 1 ? "..." : "");
  return line + "\n";
}

std::string Head(const std::string& name, const std::string& description) {
  const std::string line = description.substr(0, description.find('\n'));
  return ".TH " + Escaped(UpperCase(name)) + " 1 \"\" \"pg_pitr " + std::string(kToolVersion) +
         "\" \"pg_pitr\"\n.nh\n.ad l\n.SH NAME\n" + Escaped(name) + " \\- " + Escaped(line) + "\n";
}

ManualPage VerbPage(const CLI::App& app, const CLI::App& verb) {
  const std::string name = "pg_pitr-" + verb.get_name();
  const std::string called = "pg_pitr " + verb.get_name();
  std::string page = Head(name, verb.get_description()) + ".SH SYNOPSIS\n" + Synopsis(verb, called);
  // A verb inherits the footer of the whole.
  if (verb.get_footer() != app.get_footer()) page += ".SH DESCRIPTION\n" + Prose(verb.get_footer());
  page += Options(verb);
  if (const auto actions = ActionsOf(verb); !actions.empty()) {
    page += ".SH ACTIONS\n";
    for (const CLI::App* action : actions) {
      page += ".SS \"" + Escaped(action->get_name()) + "\"\n" + Synopsis(*action, called + " " + action->get_name());
      page += ".PP\n" + Prose(action->get_description() + ".");
      if (action->get_footer() != app.get_footer() && action->get_footer() != verb.get_footer())
        page += ".PP\n" + Prose(action->get_footer());
      for (const CLI::Option* option : action->get_options()) page += OptionItem(*option);
    }
  }
  page += ".SH SEE ALSO\n\\fBpg_pitr\\fR(1)\n";
  return {name + ".1", page};
}

}  // namespace

std::vector<ManualPage> ManualPages(const CLI::App& app) {
  std::string page = Head("pg_pitr", app.get_description()) + ".SH SYNOPSIS\n" + Synopsis(app, "pg_pitr");
  page += ".PP\n\\fBpg_pitr help\\fR [\\fIVERB\\fR]\n";
  const std::string& overview = app.get_description();
  if (const size_t rest = overview.find("\n\n"); rest != std::string::npos)
    page += ".SH DESCRIPTION\n" + Prose(overview.substr(rest + 2));
  page += ".SH VERBS\nEach has a page of its own, such as \\fBpg_pitr\\-restore\\fR(1).\n";
  std::string also;
  std::vector<ManualPage> pages(1);
  for (const CLI::App* verb : ActionsOf(app)) {
    page += Item("\\fB" + Escaped(verb->get_name()) + "\\fR", verb->get_description());
    also += (also.empty() ? "" : ",\n") + ("\\fBpg_pitr\\-" + Escaped(verb->get_name())) + "\\fR(1)";
    pages.push_back(VerbPage(app, *verb));
  }
  page += Options(app) + ".SH EXIT STATUS\n" + Prose(app.get_footer());
  page += ".SH ENVIRONMENT\n" +
          Item("\\fB" + Escaped(kConfigVariable) + "\\fR", "The settings file, where --config is not given.") +
          Item("\\fBPGDATA\\fR", "The data directory, where --pgdata is not given.") +
          Item("\\fBTZ\\fR", "The time zone of times that are given without one.");
  page += ".SH FILES\n" +
          Item("\\fI" + Escaped(kDefaultConfigPath) + "\\fR", "The settings file, where nothing names one.");
  page += ".SH SEE ALSO\n" + also + "\n";
  pages.front() = {"pg_pitr.1", page};
  return pages;
}

}  // namespace pitr::cli
