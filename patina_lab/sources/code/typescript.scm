(abstract_class_declaration) @class
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
(enum_body (property_identifier) @variant)
(enum_body (string) @variant)
(enum_body (enum_assignment) @variant)
(internal_module) @namespace
(module) @namespace
(class_body (public_field_definition) @field)
(interface_body (property_signature) @field)
(interface_body (method_signature) @signature)
(abstract_method_signature) @signature
(function_signature) @prototype
(internal_module body: (statement_block
  (export_statement (lexical_declaration (variable_declarator) @constant))))
