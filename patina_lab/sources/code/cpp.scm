(class_specifier body: (_)) @class
(namespace_definition) @namespace
(alias_declaration) @alias
(concept_definition) @concept

(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (qualified_identifier name: (qualified_identifier name: (identifier) @call)))
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(call_expression function: (field_expression field: (template_method name: (field_identifier) @call)))
(new_expression type: (type_identifier) @call)

(for_range_loop) @branch
(catch_clause) @branch
(template_declaration (declaration declarator: (_) @declaration))
