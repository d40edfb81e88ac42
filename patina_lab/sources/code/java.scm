(class_declaration) @class
(record_declaration) @record
(enum_declaration) @enum
(interface_declaration) @interface
(annotation_type_declaration) @annotation
(method_declaration) @method
(constructor_declaration) @constructor
(compact_constructor_declaration) @constructor
(field_declaration (variable_declarator) @field)
(constant_declaration (variable_declarator) @field)
(enum_constant) @variant

(import_declaration) @import
(package_declaration [(scoped_identifier) (identifier)] @package)

(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(object_creation_expression type: (generic_type (type_identifier) @call))
(object_creation_expression type: (generic_type (scoped_type_identifier (type_identifier) @call .)))
(object_creation_expression type: (scoped_type_identifier (type_identifier) @call .))
(explicit_constructor_invocation constructor: (_) @call)

(if_statement) @branch
(for_statement) @branch
(enhanced_for_statement) @branch
(while_statement) @branch
(do_statement) @branch
(switch_label (_)) @branch
(catch_clause) @branch
(ternary_expression) @branch
(binary_expression operator: ["&&" "||"]) @branch

(ERROR) @error
