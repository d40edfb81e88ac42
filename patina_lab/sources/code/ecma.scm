(function_declaration) @function
(generator_function_declaration) @function
(method_definition) @method
(variable_declarator value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression
  left: [(member_expression) (identifier)]
  right: [(arrow_function) (function_expression) (generator_function)]) @assigned
(pair value: [(arrow_function) (function_expression) (generator_function)]) @pair
(class_declaration) @class
(variable_declarator value: (class)) @class
(program (lexical_declaration (variable_declarator) @constant))
(program (export_statement (lexical_declaration (variable_declarator) @constant)))

(import_statement) @import
(export_statement source: (_)) @import
(call_expression function: (import)) @import
(call_expression
  function: (identifier) @_require
  arguments: (arguments . (string) . )
  (#eq? @_require "require")) @import

(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: [(property_identifier) (private_property_identifier)] @call))
(call_expression function: (super) @call)
; what the grammar makes of `await f<T>(x)`
(call_expression function: (await_expression (identifier) @call))
(call_expression function: (await_expression (member_expression property: (property_identifier) @call)))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (property_identifier) @call))

(if_statement) @branch
(for_statement) @branch
(for_in_statement) @branch
(while_statement) @branch
(do_statement) @branch
(switch_case) @branch
(catch_clause) @branch
(ternary_expression) @branch
(binary_expression operator: ["&&" "||" "??"]) @branch

(ERROR) @error
