// Which name somebody meant who mistyped one. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pitr {

// The one of `names` that the fewest changes of single letters make of `word`; "" when none is near enough to be meant:
// a third of the word's letters may be wrong, and two in any case.
std::string NearestName(std::string_view word, const std::vector<std::string>& names);

}  // namespace pitr
