#include "probe/audit/check_expression.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "probe/audit/check_lexer.h"
#include "probe/audit/check_node.h"

namespace dpi {
namespace {

using Kind = CheckToken::Kind;

// One function for each precedence of SQL. Null: what stands there is not understood, which error()
// tells.
class Parser {
 public:
  Parser(std::string_view text, const BundleTable& table) : lexer_(text), table_(table) {}

  CheckNodePtr whole() {
    CheckNodePtr out = disjunction();
    if (out && lexer_.token().kind != Kind::end) return unknown();
    return out;
  }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  CheckNodePtr unknown() {
    if (error_.empty()) error_ = fmt::format("'{}' is not understood there", lexer_.token().text);
    return nullptr;
  }
  CheckNodePtr operation(CheckOperator which, CheckNodePtr left, CheckNodePtr right) {
    if (!left || !right) return unknown();
    return check_operation(which, std::move(left), std::move(right));
  }

  CheckNodePtr disjunction() {
    CheckNodePtr out = conjunction();
    while (out && lexer_.take("or"))
      out = operation(CheckOperator::logical_or, std::move(out), conjunction());
    return out;
  }
  CheckNodePtr conjunction() {
    CheckNodePtr out = negation();
    while (out && lexer_.take("and"))
      out = operation(CheckOperator::logical_and, std::move(out), negation());
    return out;
  }
  CheckNodePtr negation() {
    if (!lexer_.take("not")) return test();
    CheckNodePtr of = negation();
    return of ? check_not(std::move(of)) : unknown();
  }
  // IS binds less than comparison, that less than IN and BETWEEN.
  CheckNodePtr test() {
    CheckNodePtr out = comparison();
    while (out && lexer_.take("is")) {
      const bool negated = lexer_.take("not");
      std::optional<bool> wanted;
      if (lexer_.take("true")) {
        wanted = true;
      } else if (lexer_.take("false")) {
        wanted = false;
      } else if (!lexer_.take("null")) {
        return unknown();
      }
      out = check_is(std::move(out), wanted);
      if (negated) out = check_not(std::move(out));
    }
    return out;
  }
  CheckNodePtr comparison() {
    struct Symbol {
      std::string_view text;
      CheckOperator which;
    };
    static constexpr std::array symbols{
        Symbol{"=", CheckOperator::equal},   Symbol{"<>", CheckOperator::unequal},
        Symbol{"<", CheckOperator::less},    Symbol{"<=", CheckOperator::less_equal},
        Symbol{">", CheckOperator::greater}, Symbol{">=", CheckOperator::greater_equal},
    };
    CheckNodePtr left = membership();
    for (const Symbol& symbol : symbols)
      if (left && lexer_.take(symbol.text))
        return operation(symbol.which, std::move(left), membership());
    return left;
  }
  CheckNodePtr membership() {
    CheckNodePtr left = sum();
    if (!left) return left;
    if (lexer_.take("in")) {
      CheckNodes list;
      if (!lexer_.take("(") || !arguments(list)) return unknown();
      return check_in(std::move(left), std::move(list));
    }
    if (lexer_.at("between")) return between(std::move(left));
    if (lexer_.at("~") || lexer_.at("!~")) {
      const bool negated = lexer_.at("!~");
      lexer_.next();
      if (lexer_.token().kind != Kind::text) return unknown();
      CheckNodePtr out = check_matches(std::move(left), lexer_.token().text);
      if (!out) return unknown();
      lexer_.next();
      return negated ? check_not(std::move(out)) : std::move(out);
    }
    return left;
  }
  // x BETWEEN a AND b is x >= a AND x <= b; x stands there twice.
  CheckNodePtr between(CheckNodePtr left) {
    lexer_.next();
    const std::shared_ptr<const CheckNode> shared = std::move(left);
    CheckNodePtr low = sum();
    if (!low || !lexer_.take("and")) return unknown();
    CheckNodePtr from = operation(CheckOperator::greater_equal, again(shared), std::move(low));
    CheckNodePtr to = operation(CheckOperator::less_equal, again(shared), sum());
    return operation(CheckOperator::logical_and, std::move(from), std::move(to));
  }
  static CheckNodePtr again(const std::shared_ptr<const CheckNode>& node) {
    class Again final : public CheckNode {
     public:
      explicit Again(std::shared_ptr<const CheckNode> node) : node_(std::move(node)) {}
      [[nodiscard]] CheckValue value(std::span<const WireField> fields) const override {
        return node_->value(fields);
      }

     private:
      std::shared_ptr<const CheckNode> node_;
    };
    return std::make_unique<Again>(node);
  }
  CheckNodePtr sum() {
    CheckNodePtr out = primary();
    while (out && (lexer_.at("+") || lexer_.at("-"))) {
      const CheckOperator which = lexer_.at("+") ? CheckOperator::plus : CheckOperator::minus;
      lexer_.next();
      out = operation(which, std::move(out), primary());
    }
    return out;
  }
  CheckNodePtr primary() {
    const CheckToken token = lexer_.token();
    lexer_.next();
    if (token.kind == Kind::text) return check_constant(token.text);
    if (token.kind == Kind::number) return number(token.text);
    if (token.text == "-" && lexer_.token().kind == Kind::number) {
      const std::string digits = lexer_.token().text;
      lexer_.next();
      return number("-" + digits);
    }
    if (token.text == "(") return parenthesised();
    if (token.kind != Kind::word) return unknown();
    if (token.text == "case") return cases();
    if (token.text == "true" || token.text == "false") return check_constant(token.text == "true");
    if (token.text == "null") return check_null();
    if (lexer_.take("(")) {
      CheckNodes list;
      if (!arguments(list)) return unknown();
      CheckNodePtr out = check_function(token.text, std::move(list));
      if (!out && error_.empty()) error_ = fmt::format("{}() is not known", token.text);
      return out;
    }
    const auto column = table_.column(token.text);
    if (!column) {
      error_ = fmt::format("{} has no column {}", table_.name, token.text);
      return nullptr;
    }
    return check_column(*column, table_.columns[*column].type);
  }
  CheckNodePtr number(const std::string& text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end ? check_constant(value) : unknown();
  }
  CheckNodePtr parenthesised() {
    CheckNodes parts;
    if (!arguments(parts)) return unknown();
    return parts.size() == 1 ? std::move(parts.front()) : check_row(std::move(parts));
  }
  // Behind the opening parenthesis, up to the closing one.
  bool arguments(CheckNodes& out) {
    do {
      CheckNodePtr each = disjunction();
      if (!each) return false;
      out.push_back(std::move(each));
    } while (lexer_.take(","));
    return lexer_.take(")");
  }
  // CASE x WHEN v THEN … and CASE WHEN c THEN ….
  CheckNodePtr cases() {
    std::shared_ptr<const CheckNode> of;
    if (!lexer_.at("when")) {
      of = disjunction();
      if (!of) return unknown();
    }
    std::vector<CheckCase> cases;
    while (lexer_.take("when")) {
      CheckNodePtr when = disjunction();
      if (when && of) when = operation(CheckOperator::equal, again(of), std::move(when));
      if (!when || !lexer_.take("then")) return unknown();
      CheckNodePtr then = disjunction();
      if (!then) return unknown();
      cases.push_back({std::move(when), std::move(then)});
    }
    CheckNodePtr otherwise;
    if (lexer_.take("else")) {
      otherwise = disjunction();
      if (!otherwise) return unknown();
    }
    if (cases.empty() || !lexer_.take("end")) return unknown();
    return check_case(std::move(cases), std::move(otherwise));
  }

  CheckLexer lexer_;
  const BundleTable& table_;
  std::string error_;
};

}  // namespace

CheckExpression::CheckExpression(CheckNodePtr root) noexcept : root_(std::move(root)) {}
CheckExpression::CheckExpression(CheckExpression&&) noexcept = default;
CheckExpression& CheckExpression::operator=(CheckExpression&&) noexcept = default;
CheckExpression::~CheckExpression() = default;

Result<CheckExpression> CheckExpression::parse(std::string_view text, const BundleTable& table) {
  Parser parser(text, table);
  CheckNodePtr root = parser.whole();
  if (!root) return fail(Errc::failure, fmt::format("{}: {}", text, parser.error()));
  return CheckExpression{std::move(root)};
}

bool CheckExpression::holds(std::span<const WireField> fields) const {
  return !root_->value(fields).is(false);
}

}  // namespace dpi
