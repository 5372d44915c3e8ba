#include "probe/audit/check_node.h"

#include <regex.h>

#include <algorithm>
#include <string>
#include <utility>

namespace dpi {
namespace {

using Fields = std::span<const WireField>;

class Constant final : public CheckNode {
 public:
  explicit Constant(CheckValue value) : value_(std::move(value)) {}
  [[nodiscard]] CheckValue value(Fields) const override { return value_; }

 private:
  CheckValue value_;
};

class Text final : public CheckNode {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] CheckValue value(Fields) const override { return as_bytes(text_); }

 private:
  std::string text_;
};

// inet on the wire: family, prefix, whether it is a cidr, size, address.
CheckValue address_of(Bytes field) {
  constexpr std::size_t head = 4;
  if (field.size() < head) return {};
  return CheckAddress{field.subspan(head), field[1]};
}

class Column final : public CheckNode {
 public:
  Column(std::size_t index, ColumnType type) : index_(index), type_(type) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const WireField& field = fields[index_];
    if (!field) return {};
    switch (type_) {
      case ColumnType::int2:
      case ColumnType::int4:
      case ColumnType::int8:
      case ColumnType::timestamptz:
        if (const auto number = wire_integer(field)) return *number;
        return {};
      case ColumnType::boolean:
        return wire_integer(field) == 1;
      case ColumnType::inet:
        return address_of(*field);
      default:
        return *field;
    }
  }

 private:
  std::size_t index_;
  ColumnType type_;
};

class Row final : public CheckNode {
 public:
  explicit Row(CheckNodes parts) : parts_(std::move(parts)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    std::vector<CheckValue> out;
    for (const CheckNodePtr& part : parts_) out.push_back(part->value(fields));
    return std::make_shared<const std::vector<CheckValue>>(std::move(out));
  }

 private:
  CheckNodes parts_;
};

bool satisfies(std::strong_ordering order, CheckOperator operation) noexcept {
  switch (operation) {
    case CheckOperator::equal:
      return order == 0;
    case CheckOperator::unequal:
      return order != 0;
    case CheckOperator::less:
      return order < 0;
    case CheckOperator::less_equal:
      return order <= 0;
    case CheckOperator::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

CheckValue sum(const CheckValue& left, const CheckValue& right, bool minus) {
  const auto* const a = left.get<std::int64_t>();
  const auto* const b = right.get<std::int64_t>();
  std::int64_t out = 0;
  if (a == nullptr || b == nullptr ||
      (minus ? __builtin_sub_overflow(*a, *b, &out) : __builtin_add_overflow(*a, *b, &out)))
    return {};
  return out;
}

class Operation final : public CheckNode {
 public:
  Operation(CheckOperator operation, CheckNodePtr left, CheckNodePtr right)
      : operation_(operation), left_(std::move(left)), right_(std::move(right)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const CheckValue left = left_->value(fields);
    switch (operation_) {
      case CheckOperator::logical_and:
      case CheckOperator::logical_or:
        return combined(left, fields);
      case CheckOperator::plus:
      case CheckOperator::minus:
        return sum(left, right_->value(fields), operation_ == CheckOperator::minus);
      default: {
        const auto order = compare(left, right_->value(fields));
        if (!order) return {};
        return satisfies(*order, operation_);
      }
    }
  }

 private:
  // Kleene's logic: one false makes AND false, one true OR true, whatever the other is.
  [[nodiscard]] CheckValue combined(const CheckValue& left, Fields fields) const {
    const bool decides = operation_ == CheckOperator::logical_or;
    if (left.is(decides)) return decides;
    const CheckValue right = right_->value(fields);
    if (right.is(decides)) return decides;
    if (left.is_null() || right.is_null()) return {};
    return !decides;
  }

  CheckOperator operation_;
  CheckNodePtr left_;
  CheckNodePtr right_;
};

class Not final : public CheckNode {
 public:
  explicit Not(CheckNodePtr of) : of_(std::move(of)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const CheckValue value = of_->value(fields);
    if (value.is_null()) return {};
    return value.is(false);
  }

 private:
  CheckNodePtr of_;
};

class Is final : public CheckNode {
 public:
  Is(CheckNodePtr of, std::optional<bool> wanted) : of_(std::move(of)), wanted_(wanted) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const CheckValue value = of_->value(fields);
    return wanted_ ? value.is(*wanted_) : value.is_null();
  }

 private:
  CheckNodePtr of_;
  std::optional<bool> wanted_;
};

class In final : public CheckNode {
 public:
  In(CheckNodePtr of, CheckNodes list) : of_(std::move(of)), list_(std::move(list)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const CheckValue value = of_->value(fields);
    bool unknown = false;
    for (const CheckNodePtr& each : list_) {
      const auto order = compare(value, each->value(fields));
      if (order && *order == 0) return true;
      unknown = unknown || !order;
    }
    if (unknown) return {};
    return false;
  }

 private:
  CheckNodePtr of_;
  CheckNodes list_;
};

// The bundle's patterns mean the same in PostgreSQL's and in POSIX's extended expressions; the
// library's matcher needs no memory that grows with the text, as recursion would.
class Pattern {
 public:
  explicit Pattern(const std::string& text)
      : ok_(::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() {
    if (ok_) ::regfree(&compiled_);
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool matches(Bytes text) const {
    return ::regexec(&compiled_, std::string{as_text(text)}.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
  bool ok_;
};

class Matches final : public CheckNode {
 public:
  Matches(CheckNodePtr of, const std::string& pattern) : of_(std::move(of)), pattern_(pattern) {}
  [[nodiscard]] bool ok() const noexcept { return pattern_.ok(); }
  [[nodiscard]] CheckValue value(Fields fields) const override {
    const CheckValue value = of_->value(fields);
    const Bytes* const text = value.get<Bytes>();
    if (text == nullptr) return {};
    return pattern_.matches(*text);
  }

 private:
  CheckNodePtr of_;
  Pattern pattern_;
};

class Case final : public CheckNode {
 public:
  Case(std::vector<CheckCase> cases, CheckNodePtr otherwise)
      : cases_(std::move(cases)), otherwise_(std::move(otherwise)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    for (const CheckCase& each : cases_)
      if (each.when->value(fields).is(true)) return each.then->value(fields);
    return otherwise_ ? otherwise_->value(fields) : CheckValue{};
  }

 private:
  std::vector<CheckCase> cases_;
  CheckNodePtr otherwise_;
};

using Arguments = std::vector<CheckValue>;

// The least, or greatest, of those that are not NULL.
CheckValue extreme(const Arguments& arguments, CheckOperator better) {
  CheckValue out;
  for (const CheckValue& each : arguments) {
    const auto order = compare(each, out);
    if (out.is_null() || (order && satisfies(*order, better))) out = each;
  }
  return out;
}

std::int64_t nulls(const Arguments& arguments) {
  return std::count_if(arguments.begin(), arguments.end(),
                       [](const CheckValue& each) { return each.is_null(); });
}

CheckValue least(const Arguments& a) {
  return extreme(a, CheckOperator::less);
}
CheckValue greatest(const Arguments& a) {
  return extreme(a, CheckOperator::greater);
}
CheckValue num_nulls(const Arguments& a) {
  return nulls(a);
}
CheckValue num_nonnulls(const Arguments& a) {
  return static_cast<std::int64_t>(a.size()) - nulls(a);
}
CheckValue octet_length(const Arguments& a) {
  const Bytes* const bytes = a[0].get<Bytes>();
  if (bytes == nullptr) return {};
  return static_cast<std::int64_t>(bytes->size());
}
CheckValue starts_with(const Arguments& a) {
  const Bytes* const text = a[0].get<Bytes>();
  const Bytes* const prefix = a[1].get<Bytes>();
  if (text == nullptr || prefix == nullptr) return {};
  return as_text(*text).starts_with(as_text(*prefix));
}
CheckValue family(const Arguments& a) {
  const CheckAddress* const address = a[0].get<CheckAddress>();
  if (address == nullptr) return {};
  return std::int64_t{address->bytes.size() == 4 ? 4 : 6};
}
CheckValue masklen(const Arguments& a) {
  const CheckAddress* const address = a[0].get<CheckAddress>();
  if (address == nullptr) return {};
  return address->prefix;
}

struct Function {
  std::string_view name;
  std::size_t arguments;  // 0: any number
  CheckValue (*call)(const Arguments&);
};
constexpr std::array functions{
    Function{"least", 0, least},
    Function{"greatest", 0, greatest},
    Function{"num_nulls", 0, num_nulls},
    Function{"num_nonnulls", 0, num_nonnulls},
    Function{"octet_length", 1, octet_length},
    Function{"starts_with", 2, starts_with},
    Function{"family", 1, family},
    Function{"masklen", 1, masklen},
};

class Call final : public CheckNode {
 public:
  Call(const Function& function, CheckNodes arguments)
      : function_(function), arguments_(std::move(arguments)) {}
  [[nodiscard]] CheckValue value(Fields fields) const override {
    Arguments values;
    for (const CheckNodePtr& each : arguments_) values.push_back(each->value(fields));
    return function_.call(values);
  }

 private:
  const Function& function_;
  CheckNodes arguments_;
};

}  // namespace

CheckNodePtr check_constant(std::int64_t value) {
  return std::make_unique<Constant>(value);
}
CheckNodePtr check_constant(bool value) {
  return std::make_unique<Constant>(value);
}
CheckNodePtr check_constant(std::string text) {
  return std::make_unique<Text>(std::move(text));
}
CheckNodePtr check_null() {
  return std::make_unique<Constant>(CheckValue{});
}
CheckNodePtr check_column(std::size_t index, ColumnType type) {
  return std::make_unique<Column>(index, type);
}
CheckNodePtr check_row(CheckNodes parts) {
  return std::make_unique<Row>(std::move(parts));
}
CheckNodePtr check_operation(CheckOperator operation, CheckNodePtr left, CheckNodePtr right) {
  return std::make_unique<Operation>(operation, std::move(left), std::move(right));
}
CheckNodePtr check_not(CheckNodePtr of) {
  return std::make_unique<Not>(std::move(of));
}
CheckNodePtr check_is(CheckNodePtr of, std::optional<bool> wanted) {
  return std::make_unique<Is>(std::move(of), wanted);
}
CheckNodePtr check_in(CheckNodePtr of, CheckNodes list) {
  return std::make_unique<In>(std::move(of), std::move(list));
}
CheckNodePtr check_matches(CheckNodePtr of, const std::string& pattern) {
  auto out = std::make_unique<Matches>(std::move(of), pattern);
  if (!out->ok()) return nullptr;
  return out;
}
CheckNodePtr check_case(std::vector<CheckCase> cases, CheckNodePtr otherwise) {
  return std::make_unique<Case>(std::move(cases), std::move(otherwise));
}
CheckNodePtr check_function(std::string_view name, CheckNodes arguments) {
  const auto known = std::ranges::find(functions, name, &Function::name);
  if (known == functions.end() || arguments.empty() ||
      (known->arguments != 0 && known->arguments != arguments.size()))
    return nullptr;
  return std::make_unique<Call>(*known, std::move(arguments));
}

}  // namespace dpi
