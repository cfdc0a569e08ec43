<?php
/*
Plugin Name: Example
Version: 1.0
*/
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
echo 'wp';
