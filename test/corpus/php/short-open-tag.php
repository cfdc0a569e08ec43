<?
echo "short";
